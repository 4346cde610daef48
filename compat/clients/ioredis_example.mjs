// SPDX-License-Identifier: MIT
// ioredis_example PORT: ioredis against a server on 127.0.0.1: the commands of an ordinary application.
import Redis from 'ioredis'
import { check, thrown, finish } from './check.mjs'

const port = Number(process.argv[2] ?? 6379)
const redis = new Redis({ port, host: '127.0.0.1', connectionName: 'ioredis', maxRetriesPerRequest: 1 })

check('SET', await redis.set('io:s', 'value', 'EX', 100), 'OK')
check('GET', await redis.get('io:s'), 'value')
check('TTL', (await redis.ttl('io:s')) > 90, true)
check('GET of nothing', await redis.get('io:none'), null)
check('binary', [...(await (await redis.set('io:b', Buffer.from([0, 255, 13, 10])), redis.getBuffer('io:b')))], [0, 255, 13, 10])
check('HSET', await redis.hset('io:h', { a: 1, b: 'two' }), 2)
check('HGETALL', await redis.hgetall('io:h'), { a: '1', b: 'two' })
check('RPUSH', await redis.rpush('io:l', 'a', 'b', 'c'), 3)
check('LRANGE', await redis.lrange('io:l', 0, -1), ['a', 'b', 'c'])
check('SADD', await redis.sadd('io:set', 'x', 'y', 'x'), 2)
check('SMEMBERS', (await redis.smembers('io:set')).sort(), ['x', 'y'])
check('ZADD', await redis.zadd('io:z', 1, 'one', 2.5, 'two'), 2)
check('ZRANGE', await redis.zrange('io:z', 0, -1, 'WITHSCORES'), ['one', '1', 'two', '2.5'])
check('an error', await thrown(() => redis.lpush('io:s', 'x')), 'WRONGTYPE Operation against a key holding the wrong kind of value')

const pipeline = redis.pipeline()
for (let i = 0; i < 1000; i++) pipeline.incr('io:n')
const counted = await pipeline.exec()
check('pipeline', [counted.length, counted[999][1]], [1000, 1000])

const results = await redis.multi().set('io:m', '1').incr('io:m').get('io:m').exec()
check('MULTI', results.map(([, value]) => value), ['OK', 2, '2'])

await redis.watch('io:w')
await redis.duplicate().set('io:w', 'changed')
check('WATCH', await redis.multi().set('io:w', 'lost').exec(), null)

const seen = new Set()
for await (const keys of redis.scanStream({ match: 'io:*', count: 3 })) keys.forEach((key) => seen.add(key))
check('scanStream', [...seen].sort(), ['io:b', 'io:h', 'io:l', 'io:m', 'io:n', 'io:s', 'io:set', 'io:w', 'io:z'])

const listener = redis.duplicate()
const message = new Promise((resolve) => listener.on('message', (channel, text) => resolve([channel, text])))
await listener.subscribe('io:channel')
check('PUBLISH', await redis.publish('io:channel', 'hello'), 1)
check('the message', await message, ['io:channel', 'hello'])

check('CLIENT GETNAME', await redis.client('GETNAME'), 'ioredis')
check('INFO', /redis_version:\d+\.\d+\.\d+/.test(await redis.info('server')), true)
finish()
