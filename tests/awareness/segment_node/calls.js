// All six calls through the unmodified Node library: node calls.js HOST WRITE_KEY
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, flushAt: 20, maxRetries: 1 });
const errors = [];
analytics.on("error", (error) => errors.push(String(error.reason ?? error.code ?? error)));
analytics.page({ anonymousId: "anon-1", name: "Home", properties: { url: "https://shop/" } });
analytics.track({ anonymousId: "anon-1", event: "Product Viewed", properties: { price: 12.5, when: new Date() } });
analytics.identify({ userId: "u1", anonymousId: "anon-1", traits: { email: "ann@x.org", plan: "pro" } });
analytics.screen({ userId: "u1", name: "Cart" });
analytics.group({ userId: "u1", groupId: "acme", traits: { name: "Acme" } });
analytics.alias({ userId: "u1", previousId: "device-1" });
for (let n = 0; n < 150; n += 1) analytics.track({ userId: "u1", event: "Ping", properties: { n } });
await analytics.closeAndFlush({ timeout: 20000 });
console.log(JSON.stringify({ errors }));
