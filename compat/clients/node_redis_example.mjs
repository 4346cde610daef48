// SPDX-License-Identifier: MIT
// node_redis_example PORT: node-redis against a server on 127.0.0.1: the commands of an ordinary application.
import { createClient, WatchError } from 'redis'
import { check, thrown, finish } from './check.mjs'

const port = Number(process.argv[2] ?? 6379)
const client = createClient({ url: `redis://127.0.0.1:${port}`, name: 'node-redis' })
client.on('error', (error) => console.log(`error: ${error.message}`))
await client.connect()

check('SET', await client.set('nr:s', 'value', { EX: 100, NX: true }), 'OK')
check('SET NX again', await client.set('nr:s', 'other', { NX: true }), null)
check('GET', await client.get('nr:s'), 'value')
check('SET GET', await client.set('nr:s', 'next', { GET: true, KEEPTTL: true }), 'value')
check('PTTL', (await client.pTTL('nr:s')) > 90000, true)
check('HSET', await client.hSet('nr:h', { a: '1', b: 'two' }), 2)
check('HGETALL', { ...(await client.hGetAll('nr:h')) }, { a: '1', b: 'two' })
check('RPUSH', await client.rPush('nr:l', ['a', 'b', 'c']), 3)
check('LMOVE', await client.lMove('nr:l', 'nr:l2', 'LEFT', 'RIGHT'), 'a')
check('SADD', await client.sAdd('nr:set', ['x', 'y', 'x']), 2)
check('SISMEMBER', await client.sIsMember('nr:set', 'x'), true)
check('ZADD', await client.zAdd('nr:z', [{ score: 1, value: 'one' }, { score: 2.5, value: 'two' }]), 2)
check('ZRANGE', await client.zRangeWithScores('nr:z', 0, -1), [{ value: 'one', score: 1 }, { value: 'two', score: 2.5 }])
check('an error', await thrown(() => client.lPush('nr:s', 'x')), 'WRONGTYPE Operation against a key holding the wrong kind of value')

// node-redis sends everything of one tick as one pipeline.
const counted = await Promise.all(Array.from({ length: 1000 }, () => client.incr('nr:n')))
check('pipeline', [counted[0], counted[999]], [1, 1000])

check('MULTI', await client.multi().set('nr:m', '1').incr('nr:m').get('nr:m').exec(), ['OK', 2, '2'])

const lost = await client.executeIsolated(async (isolated) => {
  await isolated.watch('nr:w')
  await client.set('nr:w', 'changed')
  return isolated.multi().set('nr:w', 'lost').exec().catch((error) => error instanceof WatchError)
})
check('WATCH', lost, true)

const seen = []
for await (const key of client.scanIterator({ MATCH: 'nr:*', COUNT: 3 })) seen.push(key)
check('scanIterator', [...new Set(seen)].sort(), ['nr:h', 'nr:l', 'nr:l2', 'nr:m', 'nr:n', 'nr:s', 'nr:set', 'nr:w', 'nr:z'])

const listener = client.duplicate()
await listener.connect()
const message = new Promise((resolve) => listener.pSubscribe('nr:*', (text, channel) => resolve([channel, text])).then(
  async () => check('PUBLISH', await client.publish('nr:channel', 'hello'), 1)))
check('the message', await message, ['nr:channel', 'hello'])

check('CLIENT GETNAME', await client.clientGetName(), 'node-redis')
check('INFO', /redis_version:\d+\.\d+\.\d+/.test(await client.info('server')), true)
finish()
