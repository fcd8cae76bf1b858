// stub
export function heatmap(body) { return { render() { body.textContent = '(not yet)'; } }; }
