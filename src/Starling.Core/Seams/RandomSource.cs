using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling;

/// <summary>The seam for randomness: cryptographic in a live node, seeded in tests and simulations.</summary>
/// <remarks>Keyed: <see cref="Fork"/> derives an independent source for a named part, so that one part
/// drawing more numbers never shifts another's. Instances are safe for use by several threads.</remarks>
public abstract class RandomSource
{
    /// <summary>The operating system's cryptographic generator. <see cref="Fork"/> returns the same instance.</summary>
    public static RandomSource System { get; } = new SystemSource();

    /// <summary>A reproducible source; never for keys, nonces or ids on a real network.</summary>
    /// <param name="seed">The same seed gives the same numbers on every platform.</param>
    public static RandomSource Seeded(ulong seed) => new SeededSource(seed);

    /// <summary>Fills a buffer with random bytes.</summary>
    public abstract void Fill(Span<byte> buffer);

    /// <summary>An independent source for the part with this name: the same for the same path of names, whatever was drawn before.</summary>
    public abstract RandomSource Fork(string key);

    /// <summary>Sixty-four random bits.</summary>
    public virtual ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>A whole number from 0 up to but not including <paramref name="exclusiveMax"/>, without bias.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Next(int exclusiveMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMax);
        var bound = (uint)exclusiveMax;
        while (true)
        {
            var product = (ulong)(uint)NextUInt64() * bound;
            if ((uint)product >= bound || (uint)product >= (0u - bound) % bound) return (int)(product >> 32);
        }
    }

    /// <summary>A number from 0 up to but not including 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1ul << 53));

    /// <summary>A span spread evenly between <paramref name="low"/> and <paramref name="high"/> times the given one.</summary>
    public TimeSpan Jitter(TimeSpan span, double low = 0.5, double high = 1.5) => span * (low + (NextDouble() * (high - low)));

    /// <summary>Puts the items in random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var other = Next(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    private sealed class SystemSource : RandomSource
    {
        public override void Fill(Span<byte> buffer) => RandomNumberGenerator.Fill(buffer);

        public override RandomSource Fork(string key) => this;
    }

    /// <summary>SplitMix64: small, fast, and the same everywhere.</summary>
    private sealed class SeededSource(ulong seed) : RandomSource
    {
        private long _state = (long)seed;

        public override ulong NextUInt64()
        {
            unchecked
            {
                var z = (ulong)Interlocked.Add(ref _state, (long)0x9E3779B97F4A7C15);
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                return z ^ (z >> 31);
            }
        }

        public override void Fill(Span<byte> buffer)
        {
            Span<byte> word = stackalloc byte[8];
            while (buffer.Length > 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, NextUInt64());
                var count = Math.Min(8, buffer.Length);
                word[..count].CopyTo(buffer);
                buffer = buffer[count..];
            }
        }

        public override RandomSource Fork(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            var name = new byte[8 + global::System.Text.Encoding.UTF8.GetByteCount(key)];
            BinaryPrimitives.WriteUInt64LittleEndian(name, seed);
            global::System.Text.Encoding.UTF8.GetBytes(key, name.AsSpan(8));
            return new SeededSource(BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(name)));
        }
    }
}
