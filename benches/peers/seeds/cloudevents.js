// The builder's builder-load-test.js, as it is, but for: randomString, which it imports from the network; the summary,
// which is the bench's; a typing error (`| |`); thresholds, which say nothing of a run this short; durations, a 120th.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { Rate, Counter, Trend } from 'k6/metrics';

// Custom metrics
const errorRate = new Rate('builder_error_rate');
const eventCounter = new Counter('builder_events_total');
const publishDuration = new Trend('builder_publish_duration');

// Load test configuration
export const options = {
  scenarios: {
    // Scenario 1: Baseline load
    baseline: {
      executor: 'constant-arrival-rate',
      rate: 10,                    // 10 events/sec
      timeUnit: '1s',
      duration: '2500ms',
      preAllocatedVUs: 10,
      maxVUs: 50,
      tags: { scenario: 'baseline' },
    },

    // Scenario 2: Ramp-up test
    rampup: {
      executor: 'ramping-arrival-rate',
      startRate: 10,
      stages: [
        { duration: '1500ms', target: 50 },
        { duration: '1500ms', target: 100 },
        { duration: '1500ms', target: 200 },
        { duration: '1500ms', target: 100 },
        { duration: '1s', target: 10 },
      ],
      preAllocatedVUs: 100,
      maxVUs: 300,
      tags: { scenario: 'rampup' },
      startTime: '2500ms',  // Start after baseline
    },

    // Scenario 3: Spike test
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: 100,
      stages: [
        { duration: '500ms', target: 500 },  // Spike to 500 events/sec
        { duration: '1s', target: 500 },     // Sustain spike
        { duration: '500ms', target: 100 },  // Ramp down
      ],
      preAllocatedVUs: 200,
      maxVUs: 600,
      tags: { scenario: 'spike' },
      startTime: '10s',  // Start after rampup
    },

    // Scenario 4: Sustained load
    sustained: {
      executor: 'constant-arrival-rate',
      rate: 100,                   // 100 events/sec
      timeUnit: '1s',
      duration: '15s',
      preAllocatedVUs: 100,
      maxVUs: 200,
      tags: { scenario: 'sustained' },
      startTime: '12500ms',  // Start after spike
    },
  },
};

// Test data
const testEvents = [
  { third_party_id: "0307ea43639b4616b044d190310a26bd", parser_id: "0197ad6c10b973b2b854a0e652155b7e" },
  { third_party_id: "0307ea43639b4616b044d190310a26bd", parser_id: "c42d2e6ca3214f4b8d28a2cab47beecf" },
  { third_party_id: "0307ea43639b4616b044d190310a26bd", parser_id: "e0a711bde5d748009a995432acbf590b" },
  { third_party_id: "1234567890abcdef1234567890abcdef", parser_id: "enterprise-parser-001" },
  { third_party_id: "fedcba0987654321fedcba0987654321", parser_id: "trading-bot-alpha" },
];

// As in the script's own default, name and password stand in the URL.
const RABBITMQ_URL = __ENV.RABBITMQ_URL.replace('://', '://notifi:notifi@');
const EXCHANGE_NAME = 'cloud-events';
const ROUTING_KEY = 'network.notifi.lambda.build.start';

const CHARSET = 'abcdefghijklmnopqrstuvwxyz';
const randomString = (length) =>
  Array.from({ length }, () => CHARSET[Math.floor(Math.random() * CHARSET.length)]).join('');

function createCloudEvent(thirdPartyId, parserId) {
  return {
    specversion: "1.0",
    id: randomString(32),
    source: `network.notifi.parsers.${thirdPartyId}.${parserId}`,
    type: "network.notifi.lambda.build.start",
    time: new Date().toISOString(),
    data: {
      third_party_id: thirdPartyId,
      parser_id: parserId,
    },
    datacontenttype: "application/json"
  };
}

export default function () {
  // Select random test event
  const testEvent = testEvents[Math.floor(Math.random() * testEvents.length)];
  const cloudEvent = createCloudEvent(testEvent.third_party_id, testEvent.parser_id);

  // Publish to RabbitMQ
  const publishUrl = `${RABBITMQ_URL}/api/exchanges/%2F/${EXCHANGE_NAME}/publish`;
  const publishPayload = {
    properties: {
      content_type: "application/cloudevents+json",
      delivery_mode: 2
    },
    routing_key: ROUTING_KEY,
    payload: JSON.stringify(cloudEvent),
    payload_encoding: "string"
  };

  const startTime = Date.now();
  const response = http.post(publishUrl, JSON.stringify(publishPayload), {
    headers: { 'Content-Type': 'application/json' },
    timeout: '10s',
  });
  const duration = Date.now() - startTime;

  publishDuration.add(duration);

  const success = check(response, {
    'event published successfully': (r) => r.status === 200,
    'response time < 3s': (r) => r.timings.duration < 3000,
  });

  if (success) {
    eventCounter.add(1);
  } else {
    errorRate.add(1);
    console.error(`Failed to publish event: ${response.status} - ${response.body}`);
  }

  // Small random delay to avoid thundering herd
  sleep(Math.random() * 0.3);
}
