using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Net.Transport;

/// <summary>TLS 1.3 as libp2p uses it (<c>/tls/1.0.0</c>): both sides show a self-signed certificate that carries their host key.</summary>
/// <remarks>One certificate is made when this is created and used for every handshake. The chain engine is given no root, no
/// download and no revocation check: what a certificate proves is decided by <see cref="Libp2pCertificate.Verify"/> alone.
/// A client's handshake ends before the server has judged the client's certificate, so a refusal by the server shows at the first read.</remarks>
public sealed class TlsSecurity : ISecurityProtocol, IDisposable
{
    /// <summary>The protocol id.</summary>
    public const string Id = "/tls/1.0.0";

    private const string AlpnLibp2p = "libp2p";

    private readonly TimeProvider _clock;
    private readonly X509Certificate2 _certificate;
    private readonly SslStreamCertificateContext _context;

    /// <summary>Makes the certificate for an identity.</summary>
    /// <param name="identity">This node's identity; used only here.</param>
    /// <param name="clock">Compared with the dates of certificates.</param>
    public TlsSecurity(NodeIdentity identity, TimeProvider clock)
        : this(Libp2pCertificate.Create(identity, clock), clock)
    {
    }

    /// <summary>Uses a certificate with its private key, and disposes it.</summary>
    internal TlsSecurity(X509Certificate2 certificate, TimeProvider clock)
    {
        _clock = clock;
        _certificate = certificate;
        _context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
    }

    /// <inheritdoc/>
    public string ProtocolId => Id;

    /// <inheritdoc/>
    public async Task<SecureChannel> SecureAsync(
        Stream raw, Direction side, PeerId? expected, IReadOnlyList<string> muxers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(muxers);
        var verdict = new Verdict(_clock, side, expected);
        var stream = new SslStream(raw, leaveInnerStreamOpen: false);
        try
        {
            if (side == Direction.Outbound) await stream.AuthenticateAsClientAsync(ClientOptions(muxers, verdict), cancellationToken);
            else await stream.AuthenticateAsServerAsync(ServerOptions(muxers, verdict), cancellationToken);
            var key = verdict.Key ?? throw new HandshakeException(HandshakeFailure.CertificateMissing, "The peer sent no certificate.");
            var chosen = stream.NegotiatedApplicationProtocol.ToString();
            return new SecureChannel(stream, key.ToPeerId(), key, muxers.Contains(chosen) ? chosen : null);
        }
        catch (Exception e)
        {
            await stream.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (verdict.Refusal is { } refusal) throw refusal;
            if (e is AuthenticationException) throw Failed(e);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    private static HandshakeException Failed(Exception e) => TlsAlert.Find(e) is { } alert
        ? new HandshakeException(HandshakeFailure.RefusedByRemote, $"The peer refused the TLS handshake ({alert}).", e)
        : new HandshakeException(HandshakeFailure.Malformed, $"The TLS handshake failed: {(e.InnerException ?? e).Message}", e);

    private static List<SslApplicationProtocol> Alpn(IReadOnlyList<string> muxers) =>
        [.. muxers.Append(AlpnLibp2p).Select(id => new SslApplicationProtocol(id))];

    private static X509ChainPolicy ChainPolicy() => new()
    {
        DisableCertificateDownloads = true,
        RevocationMode = X509RevocationMode.NoCheck,
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    private static CipherSuitesPolicy? Ciphers()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return null;
        return new CipherSuitesPolicy(
        [
            TlsCipherSuite.TLS_AES_128_GCM_SHA256,
            TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
            TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        ]);
    }

    private SslClientAuthenticationOptions ClientOptions(IReadOnlyList<string> muxers, Verdict verdict) => new()
    {
        // The specification forbids a server name; none is sent where the target host is empty.
        TargetHost = string.Empty,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = Alpn(muxers),
        ClientCertificateContext = _context,
        CertificateChainPolicy = ChainPolicy(),
        CipherSuitesPolicy = Ciphers(),
        AllowTlsResume = false,
        AllowRenegotiation = false,
        RemoteCertificateValidationCallback = verdict.Judge,
    };

    private SslServerAuthenticationOptions ServerOptions(IReadOnlyList<string> muxers, Verdict verdict) => new()
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = Alpn(muxers),
        CertificateChainPolicy = ChainPolicy(),
        CipherSuitesPolicy = Ciphers(),
        AllowTlsResume = false,
        AllowRenegotiation = false,
        RemoteCertificateValidationCallback = verdict.Judge,
    };

    /// <summary>What one handshake's certificate proved, or why it was refused.</summary>
    private sealed class Verdict(TimeProvider clock, Direction side, PeerId? expected)
    {
        public PublicKey? Key { get; private set; }

        public HandshakeException? Refusal { get; private set; }

        public bool Judge(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            try
            {
                if (certificate is null)
                    throw new HandshakeException(HandshakeFailure.CertificateMissing, "The peer sent no certificate.");

                // The chain's extra store holds what the peer sent: with the leaf on the client, without it on the server.
                var others = (chain?.ChainPolicy.ExtraStore.Count ?? 0) - (side == Direction.Outbound ? 1 : 0);
                if (others > 0)
                    throw new HandshakeException(HandshakeFailure.CertificateChainTooLong, $"The peer sent {others + 1} certificates; exactly one is due.");
                var key = Libp2pCertificate.Verify(certificate.GetRawCertData(), clock.GetUtcNow());
                var peer = key.ToPeerId();
                if (expected is not null && !expected.Equals(peer))
                    throw new HandshakeException(HandshakeFailure.PeerIdMismatch, $"{peer} answered where {expected} was dialled.");
                Key = key;
                return true;
            }
            catch (HandshakeException refusal)
            {
                Refusal = refusal;
                return false;
            }
        }
    }
}
