// stub
export function table(body) { return { render() { body.textContent = '(not yet)'; } }; }
