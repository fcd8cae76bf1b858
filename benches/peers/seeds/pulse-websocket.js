// What the suite's text says of websocket_fanout.js: connect, subscribe by one of three filters, receive events, list,
// unsubscribe. Scenario `smoke`, a quarter of its time.
import ws from 'k6/ws';
import { check } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

export const options = {
  scenarios: { subscribers: { executor: 'constant-vus', vus: 10, duration: '15s' } },
};

const WS_URL = __ENV.WS_URL || 'ws://localhost:8080/ws';
const FILTERS = [
  [0.5, { chains: ['ethereum'] }],
  [0.8, { chains: ['solana'], types: ['block', 'transfer'] }],
  [1.0, { chains: ['ethereum', 'solana'], types: ['transfer', 'swap'], min_value: 500 }],
];

const connections = new Counter('ws_connections');
const eventLatency = new Trend('ws_event_latency_ms');
const subscriptionLatency = new Trend('ws_subscription_latency_ms');
const errorRate = new Rate('ws_error_rate');

export default function () {
  connections.add(1);
  let done = false;
  const response = ws.connect(WS_URL, {}, (socket) => {
    const drawn = Math.random();
    const [, filter] = FILTERS.find(([below]) => drawn < below);
    const send = (message) => socket.send(JSON.stringify(message));
    let [asked, subscription, last, listening] = [0, '', 0, true];
    socket.on('open', () => {
      asked = Date.now();
      send({ type: 'subscribe', id: 'sub', filter });
    });
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      switch (message.type) {
        case 'subscribed':
          subscriptionLatency.add(Date.now() - asked);
          check(message, { subscribed: (m) => m.type === 'subscribed' });
          subscription = message.subscription;
          socket.setTimeout(() => { listening = false; send({ type: 'list', id: 'list' }); }, 10000);
          break;
        case 'event':
          // While the target thinks about an answer it holds events back, too.
          if (!listening) break;
          eventLatency.add(Date.now() - message.timestamp);
          check(message, { 'next in order': (m) => last === 0 || m.seq === last + 1 });
          last = message.seq;
          break;
        case 'subscriptions':
          check(message, { listed: (m) => m.subscriptions.length === 1 });
          send({ type: 'unsubscribe', id: 'unsub', subscription });
          break;
        case 'unsubscribed':
          check(message, { unsubscribed: (m) => m.subscription === subscription });
          done = true;
          socket.close();
          break;
      }
    });
  });
  check(response, { connected: (r) => r && r.status === 101 });
  errorRate.add(!done);
}
