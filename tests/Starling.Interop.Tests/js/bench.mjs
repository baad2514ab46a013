// A stock js-libp2p node as one end of `starling bench pubsub`: one command a line on standard input, answered by `ok ...` or `error ...`.
// It ends with its standard input.
import { createInterface } from 'node:readline'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [tls()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping(), pubsub: gossipsub() }
})
const pubsub = node.services.pubsub
const say = line => process.stdout.write(line + '\n')
const turn = () => new Promise(resolve => setImmediate(resolve))

// The monotonic clock, which .NET's Stopwatch reads too.
const now = () => process.hrtime.bigint()
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
const figures = (started, ended, cpuBefore, latencies = []) => {
  latencies.sort((a, b) => a - b)
  const at = share => latencies[Math.floor(share * (latencies.length - 1))] ?? 0
  return JSON.stringify({ Started: Number(started), Ended: Number(ended), Allocated: 0, CpuSeconds: cpu() - cpuBefore, P50: at(0.5), P99: at(0.99) })
}

const commands = {
  async connect (address) {
    await node.dial(multiaddr(address))
  },

  async subscribe (topic) {
    pubsub.subscribe(topic)
  },

  // The topic's subscribers are known before the streams to them are open: the first publish may reach nobody, and says so.
  async wait (topic, subscribers) {
    while (pubsub.getSubscribers(topic).length < Number(subscribers)) await new Promise(resolve => setTimeout(resolve, 50))
    await new Promise(resolve => setTimeout(resolve, 1000))
  },

  // Each message has to be the next one, and whole.
  receive (topic, count, size, pace) {
    return new Promise((resolve, reject) => {
      const latencies = []
      const before = cpu()
      let taken = 0
      const done = act => { pubsub.removeEventListener('message', take); act() }
      const take = ({ detail }) => {
        if (detail.topic !== topic) return
        const data = Buffer.from(detail.data.buffer, detail.data.byteOffset, detail.data.byteLength)
        const number = Number(data.readBigInt64LE(0))
        if (data.length !== Number(size) || number !== taken) return done(() => reject(new Error(`message ${number} of ${data.length} bytes came where ${taken} was expected`)))
        if (pace === 'paced') latencies.push(Number(now() - data.readBigInt64LE(8)) / 1e3)
        if (++taken < Number(count)) return
        const ended = now()
        done(() => resolve(figures(0, ended, before, latencies)))
      }
      pubsub.addEventListener('message', take)
      say('ready')
    })
  },

  async publish (topic, count, size, pace) {
    const before = cpu()
    const started = now()
    for (let number = 0; number < Number(count); number++) {
      if (pace === 'paced') await new Promise(resolve => setTimeout(resolve, 1))
      const data = Buffer.alloc(Number(size))
      data.writeBigInt64LE(BigInt(number), 0)
      data.writeBigInt64LE(now(), 8)
      const { recipients } = await pubsub.publish(topic, data)
      if (recipients.length === 0) throw new Error(`message ${number} was sent to nobody`)
      if (number % 16 === 15) await turn()
    }
    return figures(started, now(), before)
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', async line => {
  const [name, ...values] = line.split(' ')
  try {
    say(`ok ${await commands[name](...values) ?? ''}`)
  } catch (error) {
    say(`error ${error.message}`)
  }
})
lines.on('close', () => process.exit(0))
say(`ok ${node.getMultiaddrs()[0]}`)
