// stub
export function barGauge(body) { return { render() { body.textContent = '(not yet)'; } }; }
