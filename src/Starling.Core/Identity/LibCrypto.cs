using System.Reflection;
using System.Runtime.InteropServices;

namespace Starling;

/// <summary>The few functions of OpenSSL's libcrypto (1.1.1 or 3) that .NET does not offer: Ed25519, X25519, secp256k1.</summary>
/// <remarks>Keys are shared between threads, which OpenSSL allows for reading; a context lives for one call.</remarks>
internal static partial class LibCrypto
{
    internal const int KeyEc = 408;
    internal const int KeyX25519 = 1034;
    internal const int KeyEd25519 = 1087;
    private const string Library = "starling-libcrypto";

    private static readonly nint Loaded;

    static LibCrypto()
    {
        Loaded = Probe();
        NativeLibrary.SetDllImportResolver(typeof(LibCrypto).Assembly, (name, _, _) => name == Library ? Loaded : 0);
    }

    /// <summary>Whether libcrypto was found and knows Ed25519 and X25519.</summary>
    internal static bool IsAvailable => Loaded != 0;

    internal static void Require(string purpose)
    {
        if (!IsAvailable) throw new StarlingException($"{purpose} needs OpenSSL's libcrypto (3 or 1.1.1), which was not found; install OpenSSL, or use an ECDSA identity.");
    }

    /// <summary>Signs in one shot.</summary>
    /// <param name="key">The private key.</param>
    /// <param name="digest">From <see cref="EVP_sha256"/>, or 0 where the scheme hashes by itself (Ed25519).</param>
    /// <param name="data">What to sign.</param>
    /// <param name="maxLength">The longest signature of the scheme, bytes.</param>
    internal static byte[] Sign(EvpKeyHandle key, nint digest, ReadOnlySpan<byte> data, int maxLength)
    {
        using var context = EVP_MD_CTX_new();
        Span<byte> signature = stackalloc byte[maxLength];
        var length = (nuint)maxLength;
        if (context.IsInvalid
            || EVP_DigestSignInit(context, 0, digest, 0, key) != 1
            || EVP_DigestSign(context, signature, ref length, data, (nuint)data.Length) != 1)
        {
            ERR_clear_error();
            throw new StarlingException("libcrypto could not sign: out of memory, or the key's algorithm is disabled by OpenSSL's configuration.");
        }

        return signature[..(int)length].ToArray();
    }

    /// <summary>Verifies in one shot; every failure is a signature that does not verify.</summary>
    internal static bool Verify(EvpKeyHandle key, nint digest, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.IsEmpty) return false;
        using var context = EVP_MD_CTX_new();
        var good = !context.IsInvalid
            && EVP_DigestVerifyInit(context, 0, digest, 0, key) == 1
            && EVP_DigestVerify(context, signature, (nuint)signature.Length, data, (nuint)data.Length) == 1;
        // The queue is the thread's, shared with .NET's own TLS: leave nothing of ours in it.
        if (!good) ERR_clear_error();
        return good;
    }

    /// <summary>Makes a key from its raw private or public bytes, or throws.</summary>
    internal static EvpKeyHandle RawKey(int type, ReadOnlySpan<byte> bytes, bool isPrivate)
    {
        var key = isPrivate
            ? EVP_PKEY_new_raw_private_key(type, 0, bytes, (nuint)bytes.Length)
            : EVP_PKEY_new_raw_public_key(type, 0, bytes, (nuint)bytes.Length);
        if (!key.IsInvalid) return key;
        key.Dispose();
        ERR_clear_error();
        throw new StarlingException("libcrypto refused the key: its algorithm may be disabled by OpenSSL's configuration.");
    }

    /// <summary>The 32 raw public bytes of an Ed25519 or X25519 key.</summary>
    internal static byte[] RawPublicBytes(EvpKeyHandle key)
    {
        var bytes = new byte[32];
        nuint length = 32;
        if (EVP_PKEY_get_raw_public_key(key, bytes, ref length) == 1 && length == 32) return bytes;
        ERR_clear_error();
        throw new StarlingException("libcrypto could not give the public key.");
    }

    private static nint Probe()
    {
        foreach (var name in (ReadOnlySpan<string>)["libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so", "libcrypto.3.dylib"])
        {
            if (!NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories, out var handle)) continue;
            // LibreSSL and OpenSSL 1.1.0 lack the one-shot functions.
            if (NativeLibrary.TryGetExport(handle, "EVP_PKEY_new_raw_private_key", out _)
                && NativeLibrary.TryGetExport(handle, "EVP_DigestVerify", out _)) return handle;
            NativeLibrary.Free(handle);
        }

        return 0;
    }

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    internal static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial void ERR_clear_error();

    [LibraryImport(Library)]
    internal static partial nint EVP_sha256();

    [LibraryImport(Library)]
    internal static partial EvpKeyHandle EVP_PKEY_new_raw_private_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    internal static partial EvpKeyHandle EVP_PKEY_new_raw_public_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_raw_private_key(EvpKeyHandle key, Span<byte> bytes, ref nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_raw_public_key(EvpKeyHandle key, Span<byte> bytes, ref nuint length);

    [LibraryImport(Library)]
    internal static unsafe partial EvpKeyHandle d2i_PUBKEY(nint reuse, byte** der, nint length);

    [LibraryImport(Library)]
    internal static unsafe partial EvpKeyHandle d2i_PrivateKey(int type, nint reuse, byte** der, nint length);

    [LibraryImport(Library)]
    internal static unsafe partial int i2d_PUBKEY(EvpKeyHandle key, byte** der);

    [LibraryImport(Library)]
    internal static partial EvpKeyContextHandle EVP_PKEY_CTX_new(EvpKeyHandle key, nint engine);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_init(EvpKeyContextHandle context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_set_peer(EvpKeyContextHandle context, EvpKeyHandle peer);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive(EvpKeyContextHandle context, Span<byte> secret, ref nuint length);

    [LibraryImport(Library)]
    private static partial DigestContextHandle EVP_MD_CTX_new();

    [LibraryImport(Library)]
    private static partial int EVP_DigestSignInit(DigestContextHandle context, nint keyContext, nint digest, nint engine, EvpKeyHandle key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSign(DigestContextHandle context, Span<byte> signature, ref nuint signatureLength, ReadOnlySpan<byte> data, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerifyInit(DigestContextHandle context, nint keyContext, nint digest, nint engine, EvpKeyHandle key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerify(DigestContextHandle context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> data, nuint length);
}

/// <summary>An <c>EVP_PKEY</c>.</summary>
internal sealed class EvpKeyHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_free(handle);
        return true;
    }
}

/// <summary>An <c>EVP_PKEY_CTX</c>.</summary>
internal sealed class EvpKeyContextHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_CTX_free(handle);
        return true;
    }
}

/// <summary>An <c>EVP_MD_CTX</c>.</summary>
internal sealed class DigestContextHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MD_CTX_free(handle);
        return true;
    }
}
