// The stress test that the suite has `vegeta attack` make, 200 requests a second to its targets in turn, a twelfth of its time.
import http from 'k6/http';
import exec from 'k6/execution';
import { check } from 'k6';

export const options = {
  scenarios: {
    attack: { executor: 'constant-arrival-rate', rate: 200, duration: '10s', preAllocatedVUs: 10, maxVUs: 1000 },
  },
};

const TARGETS = [
  '/health',
  '/ready',
  '/api/v1/correctness/status',
  '/api/v1/manifests/ethereum',
  '/api/v1/manifests/solana',
];

export default function () {
  const path = TARGETS[exec.scenario.iterationInTest % TARGETS.length];
  const response = http.get(`${__ENV.BASE_URL}${path}`, { timeout: '30s', tags: { name: 'api' } });
  check(response, { success: (r) => r.status >= 200 && r.status < 400 });
}
