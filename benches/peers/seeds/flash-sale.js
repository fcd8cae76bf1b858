// The flash sale's load-test.k6.js, as it is, but for: uuidv4, which it imports from the network; durations, two fifths.
import http from 'k6/http';
import { check } from 'k6';

export const options = {
    scenarios: {
        flash_sale: {
            executor: 'ramping-vus',
            startVUs: 0,
            stages: [
                { duration: '4s', target: 50 },    // Ramp up
                { duration: '4s', target: 100 },   // Peak load
                { duration: '2s', target: 0 },     // Ramp down
            ],
            gracefulRampDown: '0s',
        },
    },
};

const BASE_URL = __ENV.BASE_URL || 'http://localhost:3000';

const uuidv4 = () => 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (c) => {
    const r = Math.floor(Math.random() * 16);
    return (c === 'x' ? r : (r & 3) | 8).toString(16);
});

export function setup() {
    // Initialize 100 items
    const payload = JSON.stringify({
        productId: 'iphone-15',
        quantity: 100
    });
    http.post(`${BASE_URL}/init`, payload, {
        headers: { 'Content-Type': 'application/json' }
    });
}

export default function () {
    const payload = JSON.stringify({
        productId: 'iphone-15',
        userId: uuidv4(),
    });

    const params = {
        redirects: 0,  // Don't follow 302
        headers: {
            'Content-Type': 'application/json',
            'x-idempotency-key': uuidv4(),
        },
    };

    const res = http.post(`${BASE_URL}/order`, payload, params);

    check(res, {
        'valid response': (r) => [200, 302, 409].includes(r.status),
    });
}
