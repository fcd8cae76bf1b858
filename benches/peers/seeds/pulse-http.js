// What the suite's text says of http_endpoints.js: its endpoints, checks and metrics, scenario `smoke`, a third of its time.
import http from 'k6/http';
import { check, group, sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';

export const options = {
  scenarios: { api: { executor: 'constant-vus', vus: 10, duration: '20s' } },
};

const HTTP_URL = __ENV.HTTP_URL || 'http://localhost:8080';
const CHAINS = ['ethereum', 'solana'];

const healthLatency = new Trend('http_health_latency_ms');
const readyLatency = new Trend('http_ready_latency_ms');
const statusLatency = new Trend('http_correctness_status_latency_ms');
const manifestLatency = new Trend('http_manifest_latency_ms');
const errorRate = new Rate('http_error_rate');

function get(path, checks, latency, name) {
  const response = http.get(`${HTTP_URL}${path}`, { timeout: '10s', tags: name ? { name } : {} });
  if (latency) latency.add(response.timings.duration);
  errorRate.add(response.status !== 200);
  check(response, checks);
  return response;
}

const ok = (r) => r.status === 200;

export default function () {
  group('health', () => {
    get('/health', { healthy: ok }, healthLatency);
    get('/ready', { ready: ok }, readyLatency);
  });
  group('correctness', () => {
    get('/api/v1/correctness/status', {
      'status is 200': ok,
      'nothing is wrong': (r) => r.json('status') === 'correct',
    }, statusLatency);
    get('/api/v1/correctness/watermark', {
      'status is 200': ok,
      'every chain has one': (r) => Object.keys(r.json('watermarks')).length === 2,
    });
    get('/api/v1/correctness/halts', { 'status is 200': ok, 'nothing halts': (r) => r.json('halts').length === 0 });
    get('/api/v1/correctness/gaps', { 'status is 200': ok, 'no gaps': (r) => r.json('gaps').length === 0 });
  });
  group('manifests', () => {
    const chain = CHAINS[Math.floor(Math.random() * CHAINS.length)];
    const manifests = get(`/api/v1/manifests/${chain}`, { 'status is 200': ok }, manifestLatency,
      '/api/v1/manifests/{chain}');
    const block = manifests.json('head') - Math.floor(Math.random() * 101);
    get(`/api/v1/manifests/${chain}/${block}`, {
      'status is 200': ok,
      'the chain asked for': (r) => r.json('chain') === chain,
    }, manifestLatency, '/api/v1/manifests/{chain}/{block}');
  });
  sleep(0.5);
}
