// The page: what of it is shown, by the part of the address after `#`.

const page = document.getElementById("page");
page.textContent = "loadgate";
