using System.Buffers.Text;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace Starling.Bench.PubSub.Nats;

/// <summary>Takes a message's payload, which is valid during the call only; true ends the reading.</summary>
internal delegate bool NatsHandler(ReadOnlySpan<byte> payload);

/// <summary>As much of a NATS client as a comparison needs: publishes through a 64 KiB buffer, reads without copying, allocates nothing per message. One thread writes, one reads.</summary>
internal sealed class NatsClient : IAsyncDisposable
{
    private const int BatchBytes = 64 << 10;
    private readonly SslStream _stream;
    private readonly byte[] _out = new byte[BatchBytes];
    private byte[] _in = new byte[4 * BatchBytes];
    private int _pending;
    private int _start;
    private int _end;
    private int _subscriptions;

    private NatsClient(SslStream stream) => _stream = stream;

    /// <summary>Connects to 127.0.0.1, over TLS 1.3 with the cipher that Starling's links choose, and waits for the server's answer.</summary>
    /// <param name="port">The server's port.</param>
    /// <param name="certificate">The SHA-256 of the certificate that the server must show, in hexadecimal.</param>
    public static async Task<NatsClient> ConnectAsync(int port, string certificate)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var network = new NetworkStream(socket, ownsSocket: true);
        await ReadInfoAsync(network);
        var stream = new SslStream(network);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            EnabledSslProtocols = SslProtocols.Tls13,
            CipherSuitesPolicy = OperatingSystem.IsLinux() ? new CipherSuitesPolicy([TlsCipherSuite.TLS_AES_128_GCM_SHA256]) : null,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString(HashAlgorithmName.SHA256) == certificate,
        });
        var client = new NatsClient(stream);
        client.Append("CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\"lang\":\"starling-bench\",\"version\":\"1\",\"protocol\":1}\r\n"u8);
        await client.RoundTripAsync();
        return client;
    }

    /// <summary>Subscribes; the server knows when this returns.</summary>
    public async Task SubscribeAsync(string subject)
    {
        Append(Encoding.ASCII.GetBytes($"SUB {subject} {++_subscriptions}\r\n"));
        await RoundTripAsync();
    }

    /// <summary>Puts a message into the buffer, which is written first when it is full.</summary>
    public ValueTask PublishAsync(ReadOnlySpan<byte> subject, ReadOnlyMemory<byte> payload)
    {
        if (BatchBytes - _pending >= subject.Length + payload.Length + 24)
        {
            Add(subject, payload.Span);
            return ValueTask.CompletedTask;
        }

        return payload.Length + subject.Length + 24 > BatchBytes
            ? throw new ArgumentException($"A message of {payload.Length} bytes does not fit into the buffer of {BatchBytes}.", nameof(payload))
            : FlushAndAddAsync(subject.ToArray(), payload);
    }

    /// <summary>Writes what the buffer holds.</summary>
    public async ValueTask FlushAsync()
    {
        if (_pending == 0) return;
        await _stream.WriteAsync(_out.AsMemory(0, _pending));
        _pending = 0;
    }

    /// <summary>Reads until the handler has had enough.</summary>
    /// <exception cref="InvalidDataException">The server said something unexpected, or closed.</exception>
    public async Task ReadAsync(NatsHandler handler)
    {
        while (!await TakeAsync(handler)) await FillAsync();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async ValueTask FlushAndAddAsync(byte[] subject, ReadOnlyMemory<byte> payload)
    {
        await FlushAsync();
        Add(subject, payload.Span);
    }

    private void Add(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> payload)
    {
        Append("PUB "u8);
        Append(subject);
        _out[_pending++] = (byte)' ';
        Utf8Formatter.TryFormat(payload.Length, _out.AsSpan(_pending), out var digits);
        _pending += digits;
        Append("\r\n"u8);
        Append(payload);
        Append("\r\n"u8);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_out.AsSpan(_pending));
        _pending += bytes.Length;
    }

    /// <summary>A PING, and everything up to its PONG.</summary>
    private async Task RoundTripAsync()
    {
        Append("PING\r\n"u8);
        await FlushAsync();
        while (true)
        {
            await FillAsync();
            var answer = _in.AsSpan(_start, _end - _start);
            if (answer.IndexOf("-ERR"u8) >= 0) throw new InvalidDataException($"nats-server: {Encoding.UTF8.GetString(answer).Trim()}");
            if (answer.IndexOf("PONG\r\n"u8) is not (>= 0 and var at)) continue;
            _start += at + 6;
            return;
        }
    }

    /// <summary>Takes the whole messages that were read. True when the handler has had enough.</summary>
    private async ValueTask<bool> TakeAsync(NatsHandler handler)
    {
        while (true)
        {
            switch (Take(handler))
            {
                case Taken.Enough: return true;
                case Taken.All: return false;
                case Taken.Ping:
                    Append("PONG\r\n"u8);
                    await FlushAsync();
                    break;
            }
        }
    }

    private Taken Take(NatsHandler handler)
    {
        while (true)
        {
            var unread = _in.AsSpan(_start, _end - _start);
            var line = unread.IndexOf((byte)'\n');
            if (line < 0) return Taken.All;
            if (unread.StartsWith("MSG "u8))
            {
                var header = unread[..(line - 1)];
                if (!Utf8Parser.TryParse(header[(header.LastIndexOf((byte)' ') + 1)..], out int size, out _)) throw Unexpected(header);
                if (unread.Length < line + 1 + size + 2) return Taken.All;
                _start += line + 1 + size + 2;
                if (handler(unread.Slice(line + 1, size))) return Taken.Enough;
                continue;
            }

            _start += line + 1;
            if (unread.StartsWith("PING"u8)) return Taken.Ping;
            if (!unread.StartsWith("INFO"u8) && !unread.StartsWith("PONG"u8)) throw Unexpected(unread[..line]);
        }
    }

    private async ValueTask FillAsync()
    {
        if (_start == _end) _start = _end = 0;
        if (_in.Length - _end < _in.Length / 4)
        {
            _in.AsSpan(_start, _end - _start).CopyTo(_in);
            (_start, _end) = (0, _end - _start);
            if (_end > _in.Length / 2) Array.Resize(ref _in, 2 * _in.Length);
        }

        var count = await _stream.ReadAsync(_in.AsMemory(_end));
        _end += count > 0 ? count : throw new InvalidDataException("nats-server closed the connection.");
    }

    /// <summary>The greeting comes before TLS, and nothing behind it.</summary>
    private static async Task ReadInfoAsync(Stream stream)
    {
        var greeting = new byte[4096];
        var length = 0;
        while (length < 2 || greeting[length - 1] != '\n')
        {
            var count = await stream.ReadAsync(greeting.AsMemory(length));
            length += count > 0 ? count : throw new InvalidDataException("nats-server closed the connection before its greeting.");
        }
    }

    private static InvalidDataException Unexpected(ReadOnlySpan<byte> line) => new($"nats-server said '{Encoding.UTF8.GetString(line).Trim()}'.");

    private enum Taken
    {
        All,
        Enough,
        Ping,
    }
}
