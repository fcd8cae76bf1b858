// stub
export function gauge(body) { return { render() { body.textContent = '(not yet)'; } }; }
