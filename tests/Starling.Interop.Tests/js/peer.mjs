// A stock js-libp2p node that a test drives by JSON lines: commands on standard input, answers and events on standard output.
//   {"id":1,"do":"start",...}  is answered by  {"id":1,"ok":{...}}  or  {"id":1,"error":"..."}
//   whatever happens unasked is  {"event":"message",...}
// It ends with its standard input, so it never outlives the test.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { mdns } from '@libp2p/mdns'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SINK = '/starling-interop/sink/1.0.0'
const CHUNK = 64 * 1024
const encrypters = { tls, noise }
let node
const messages = []

const say = line => process.stdout.write(JSON.stringify(line) + '\n')

// Keeps the multiplexers out of the handshake, so that multistream-select has to choose one afterwards.
const withoutEarlyMuxer = encrypter => ({ privateKey, logger }) => {
  const inner = encrypter()({ privateKey, logger, upgrader: { getStreamMuxers: () => new Map() } })
  return {
    protocol: inner.protocol,
    [Symbol.toStringTag]: inner[Symbol.toStringTag],
    secureInbound: (connection, options) => inner.secureInbound(connection, { ...options, skipStreamMuxerNegotiation: true }),
    secureOutbound: (connection, options) => inner.secureOutbound(connection, { ...options, skipStreamMuxerNegotiation: true })
  }
}

// The bytes are the little-endian numbers 0, 1, 2 and so on, so both ends know them without sending them.
function block (start, length) {
  const numbers = new Uint32Array(length / 4)
  for (let i = 0; i < numbers.length; i++) numbers[i] = start / 4 + i
  return new Uint8Array(numbers.buffer)
}

async function hashOf (stream) {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of stream) {
    hash.update(part.subarray())
    bytes += part.byteLength
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function textOf (stream) {
  let text = ''
  for await (const part of stream) text += Buffer.from(part.subarray()).toString('utf8')
  return text
}

// mDNS that says whom it finds: the node itself tells only of peers that it did not know.
function announced (components) {
  const discovery = mdns({ interval: 1000 })(components)
  discovery.addEventListener('peer', e => say({
    event: 'discovered', peer: e.detail.id.toString(), addresses: e.detail.multiaddrs.map(a => a.toString())
  }))
  return discovery
}

const target = ({ peer, address }) => peer != null ? peerIdFromString(peer) : multiaddr(address)

const describe = connection => ({
  peer: connection.remotePeer.toString(),
  address: connection.remoteAddr.toString(),
  security: connection.encryption,
  muxer: connection.multiplexer
})

const commands = {
  // With the key and the address that an earlier process was answered with, it is the same peer come back.
  async start ({ security = ['tls'], earlyMuxer = true, listen = ['/ip4/127.0.0.1/tcp/0'], key = null, discover = false }) {
    const privateKey = key == null ? await generateKeyPair('Ed25519') : privateKeyFromProtobuf(Buffer.from(key, 'base64'))
    node = await createLibp2p({
      privateKey,
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: security.map(name => earlyMuxer ? encrypters[name]() : withoutEarlyMuxer(encrypters[name])),
      streamMuxers: [yamux()],
      peerDiscovery: discover ? [announced] : [],
      services: {
        identify: identify({ agentVersion: 'interop-peer/1.0.0' }),
        ping: ping(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true })
      },
      nodeInfo: { userAgent: 'interop-peer/1.0.0' }
    })
    node.addEventListener('connection:open', e => say({ event: 'connected', ...describe(e.detail) }))
    node.addEventListener('connection:close', e => say({ event: 'disconnected', peer: e.detail.remotePeer.toString() }))
    node.addEventListener('peer:identify', e => {
      say({
        event: 'identified',
        peer: e.detail.peerId.toString(),
        agent: e.detail.agentVersion ?? '',
        protocolVersion: e.detail.protocolVersion ?? '',
        protocols: e.detail.protocols,
        addresses: e.detail.listenAddrs.map(a => a.toString()),
        observed: e.detail.observedAddr?.toString() ?? null
      })
    })
    node.services.pubsub.addEventListener('gossipsub:message', e => {
      const message = {
        topic: e.detail.msg.topic,
        from: e.detail.msg.from?.toString() ?? null,
        kind: e.detail.msg.type,
        data: Buffer.from(e.detail.msg.data).toString('base64')
      }
      messages.push(message)
      say({ event: 'message', ...message })
    })
    for (const what of ['graft', 'prune']) {
      node.services.pubsub.addEventListener(`gossipsub:${what}`, e => say({
        event: what, topic: e.detail.topic, peer: e.detail.peerId, direction: e.detail.direction
      }))
    }
    node.services.pubsub.addEventListener('subscription-change', e => {
      for (const { topic, subscribe } of e.detail.subscriptions) {
        say({ event: 'subscription', peer: e.detail.peerId.toString(), topic, subscribe })
      }
    })
    await node.handle(SINK, async stream => {
      const { bytes, sha256 } = await hashOf(stream)
      stream.send(Buffer.from(`${bytes} ${sha256}`))
      await stream.close()
    })
    return {
      peer: node.peerId.toString(),
      addresses: node.getMultiaddrs().map(a => a.toString()),
      key: Buffer.from(privateKeyToProtobuf(privateKey)).toString('base64')
    }
  },

  async dial (command) {
    return describe(await node.dial(target(command), { signal: AbortSignal.timeout(15000) }))
  },

  // Returns once there is one connection to a peer and it is open.
  async settle ({ peer }) {
    for (;;) {
      const connections = node.getConnections(peerIdFromString(peer))
      if (connections.length === 1 && connections[0].status === 'open') return {}
      await new Promise(resolve => {
        for (const name of ['connection:open', 'connection:close']) node.addEventListener(name, resolve, { once: true })
      })
    }
  },

  async ping (command) {
    return { milliseconds: await node.services.ping.ping(target(command), { signal: AbortSignal.timeout(15000) }) }
  },

  // Sends so many bytes to the other side's sink and returns what that says it got.
  async send (command) {
    const stream = await node.dialProtocol(target(command), SINK)
    const hash = createHash('sha256')
    for (let sent = 0; sent < command.bytes; sent += CHUNK) {
      const part = block(sent, Math.min(CHUNK, command.bytes - sent))
      hash.update(part)
      if (!stream.send(part)) await stream.onDrain()
    }
    await stream.close()
    return { sha256: hash.digest('hex'), answer: await textOf(stream) }
  },

  async subscribe ({ topic }) {
    node.services.pubsub.subscribe(topic)
    return {}
  },

  async unsubscribe ({ topic }) {
    node.services.pubsub.unsubscribe(topic)
    return {}
  },

  // Who is in the mesh of a topic now.
  async mesh ({ topic }) {
    return { peers: node.services.pubsub.getMeshPeers(topic) }
  },

  // Every message that was delivered so far.
  async messages ({ topic }) {
    return { messages: messages.filter(message => message.topic === topic) }
  },

  // A subscriber is known before the stream to it is open, and gossipsub tells nobody when it is: so this tries until somebody is sent to.
  async publish ({ topic, data }) {
    for (let tries = 0; ; tries++) {
      const { recipients } = await node.services.pubsub.publish(topic, Buffer.from(data, 'base64'))
      if (recipients.length > 0 || tries === 200) return { recipients: recipients.map(p => p.toString()) }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  },

  async close ({ peer }) {
    await node.hangUp(peerIdFromString(peer))
    return {}
  },

  async stop () {
    await node?.stop()
    return {}
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', async line => {
  const command = JSON.parse(line)
  try {
    say({ id: command.id, ok: await commands[command.do](command) })
  } catch (error) {
    say({ id: command.id, error: [error, ...(error.errors ?? [])].map(e => `${e.name}: ${e.message}`).join('; ') })
  }
  if (command.do === 'stop') process.exit(0)
})
lines.on('close', () => process.exit(0))
say({ event: 'ready', node: process.version })
