import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: process.env.KEY, host: process.env.URL })
analytics.on('error', (error) => { console.error(error); process.exitCode = 1 })
analytics.on('http_request', (request) => console.error(request.url))

analytics.identify({ userId: 'node-1', traits: { email: 'node@shop.cn', city: '杭州', age: 31 } })
analytics.track({
  userId: 'node-1',
  event: 'Product Viewed',
  properties: { product_id: 'N-1', name: '面膜', category: '护肤', dwell_ms: 4200 },
})
analytics.track({
  userId: 'node-1',
  event: 'Products Searched',
  properties: { query: '防晒' },
  timestamp: new Date('2026-06-01T04:00:00Z'),
})
analytics.page({ userId: 'node-1', name: 'Home', properties: { path: '/home' } })
analytics.screen({ userId: 'node-1', name: 'Cart' })
analytics.group({ userId: 'node-1', groupId: 'vip', traits: { level: 2 } })
analytics.alias({ userId: 'node-1', previousId: 'node-0' })
await analytics.closeAndFlush({ timeout: 20000 })
