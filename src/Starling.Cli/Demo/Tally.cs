using System.Security.Cryptography;

namespace Starling.Cli.Demo;

/// <summary>Counts and hashes the bytes that went past, in order.</summary>
internal sealed class Tally : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _messages;
    private long _bytes;

    public long Messages => Volatile.Read(ref _messages);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Adds one message. One caller at a time; the counters may be read by others.</summary>
    public void Add(ReadOnlySpan<byte> message)
    {
        _hash.AppendData(message);
        Volatile.Write(ref _bytes, _bytes + message.Length);
        Volatile.Write(ref _messages, _messages + 1);
    }

    /// <summary>Everything so far, for comparison.</summary>
    public DemoStream ToStream() => new(Messages, Bytes, Convert.ToHexStringLower(_hash.GetCurrentHash()));

    public void Dispose() => _hash.Dispose();
}
