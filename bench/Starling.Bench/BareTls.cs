using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Bench;

/// <summary>The baseline: two ends of one bare <see cref="SslStream"/> connection over TCP on loopback, TLS 1.3, the cipher that links choose.</summary>
internal static class BareTls
{
    private static readonly X509Certificate2 Certificate = CreateCertificate();
    private static readonly CipherSuitesPolicy? Ciphers = OperatingSystem.IsLinux() ? new CipherSuitesPolicy([TlsCipherSuite.TLS_AES_128_GCM_SHA256]) : null;

    public static async Task<(Stream Dialler, Stream Listener)> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await dialler.ConnectAsync(listener.LocalEndpoint);
        var accepted = await listener.AcceptSocketAsync();
        accepted.NoDelay = true;
        var client = new SslStream(new NetworkStream(dialler, ownsSocket: true));
        var server = new SslStream(new NetworkStream(accepted, ownsSocket: true));
        var accept = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = Certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
            CipherSuitesPolicy = Ciphers,
            AllowTlsResume = false,
        });
        await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "starling",
            EnabledSslProtocols = SslProtocols.Tls13,
            CipherSuitesPolicy = Ciphers,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = static (_, shown, _, _) => shown?.GetCertHashString() == Certificate.GetCertHashString(),
        });
        await accept;
        return (client, server);
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=starling", key, HashAlgorithmName.SHA256);
        using var created = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(created.Export(X509ContentType.Pfx), null);
    }
}
