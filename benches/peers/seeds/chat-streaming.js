// What the suite's text says of websocket-streaming-load-test.js: users who stream replies on /api/chat, and health checks
// beside them. A tenth of its users; each comes twice.
import http from 'k6/http';
import ws from 'k6/ws';
import { check } from 'k6';
import { Trend } from 'k6/metrics';

export const options = {
  scenarios: {
    chat: { executor: 'constant-vus', vus: 100, duration: '15s', gracefulStop: '30s', exec: 'chat' },
    health: {
      executor: 'constant-arrival-rate', rate: 10, duration: '15s', preAllocatedVUs: 5, maxVUs: 50, exec: 'health',
    },
  },
};

const { BASE_URL, WS_URL } = __ENV;
const MESSAGES = 10;

const responseTime = new Trend('message_response_time', true);

export function chat() {
  let [sent, asked] = [0, 0];
  const response = ws.connect(`${WS_URL}/api/chat`, {}, (socket) => {
    const send = () => {
      sent += 1;
      asked = Date.now();
      socket.send(JSON.stringify({ type: 'message', content: `hello from ${__VU}` }));
    };
    socket.on('open', send);
    socket.on('message', (text) => {
      if (JSON.parse(text).type !== 'done') return;
      responseTime.add(Date.now() - asked);
      socket.setTimeout(() => (sent < MESSAGES ? send() : socket.close()), 1000);
    });
  });
  check(response, { upgraded: (r) => r && r.status === 101 });
}

export function health() {
  const response = http.get(`${BASE_URL}/health`, { timeout: '5s' });
  check(response, { healthy: (r) => r.status === 200 && r.json('status') === 'ok' });
}
