using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Net.Tests.Transport.Tls;

/// <summary>A bare TLS end that shows whatever it is told to and believes everything.</summary>
internal sealed class TlsPeer(Stream raw) : IAsyncDisposable
{
    public SslStream Stream { get; } = new(raw);

    public X509Certificate2? Certificate { get; set; }

    public X509Certificate2Collection Others { get; } = [];

    public List<string> Alpn { get; set; } = ["/yamux/1.0.0", "libp2p"];

    public SslProtocols Versions { get; set; } = SslProtocols.Tls13;

    public Task HandshakeAsync(Direction side, CancellationToken cancellationToken)
    {
        var context = Certificate is null ? null : SslStreamCertificateContext.Create(Certificate, Others, offline: true);
        List<SslApplicationProtocol> alpn = [.. Alpn.Select(id => new SslApplicationProtocol(id))];
        if (side == Direction.Inbound)
        {
            return Stream.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = context,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = Versions,
                    ApplicationProtocols = alpn,
                    CertificateChainPolicy = Offline(),
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                cancellationToken);
        }

        return Stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = string.Empty,
                ClientCertificateContext = context,
                EnabledSslProtocols = Versions,
                ApplicationProtocols = alpn.Count > 0 ? alpn : null,
                CertificateChainPolicy = Offline(),
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            },
            cancellationToken);
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();

    private static X509ChainPolicy Offline() => new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
}
