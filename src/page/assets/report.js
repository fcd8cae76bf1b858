// The report: one run that is over, from the data that its file holds.

const page = document.getElementById("page");
const report = JSON.parse(document.getElementById("report").textContent);
page.textContent = `${report.run.test}: ${report.run.verdict}`;
