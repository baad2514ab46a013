using System.Runtime.InteropServices;

namespace Starling.Core.Tests.Identity;

[CollectionDefinition(nameof(NativeMemoryTests), DisableParallelization = true)]
[Collection(nameof(NativeMemoryTests))]
public sealed class NativeMemoryTests
{
    /// <summary>One context alone is over 300 bytes, so a leak of one a round would show as more than 6 MB.</summary>
    private const int Rounds = 20_000;

    private const long Tolerated = 2 << 20;

    [Fact]
    public void Signing_verifying_deriving_and_reading_keys_leave_no_native_memory()
    {
        if (!OperatingSystem.IsLinux() || !NodeIdentity.SupportsEd25519) Assert.Skip("Needs glibc's allocation figures and libcrypto.");
        using var identity = NodeIdentity.Generate(KeyType.Ed25519);
        using var agreement = X25519Key.Generate();
        var encoded = identity.PublicKey.Encoded.ToArray();
        var forged = new byte[64];
        forged.AsSpan().Fill(0xff);
        var secret = new byte[32];

        Run(500);
        // A leak grows by every batch; what the runtime takes for itself, such as compiling hot code again, comes once.
        var grown = long.MaxValue;
        for (var batch = 0; batch < 4 && grown >= Tolerated; batch++)
        {
            var before = InUse();
            Run(Rounds);
            grown = InUse() - before;
        }

        Assert.True(grown < Tolerated, $"{grown} bytes of native memory were left behind by {Rounds} rounds.");

        void Run(int rounds)
        {
            for (var i = 0; i < rounds; i++)
            {
                var signature = identity.Sign(encoded);
                Assert.False(identity.PublicKey.Verify(encoded, forged));
                if (i % 20 != 0) continue;
                Assert.True(PublicKey.Decode(encoded).Verify(encoded, signature));
                Assert.True(agreement.TryDeriveSecret(agreement.PublicKey.Span, secret));
                Assert.False(agreement.TryDeriveSecret(new byte[32], secret));
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static long InUse()
    {
        try
        {
            var info = mallinfo2();
            return (long)(info.InUse + info.MappedBytes);
        }
        catch (EntryPointNotFoundException)
        {
            Assert.Skip("This C library has no mallinfo2.");
            return 0;
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern AllocationFigures mallinfo2();

    [StructLayout(LayoutKind.Sequential)]
    private struct AllocationFigures
    {
        public nuint Arena, FreeChunks, FastChunks, MappedCount, MappedBytes, Unused, FastBytes, InUse, Free, Releasable;
    }
}
