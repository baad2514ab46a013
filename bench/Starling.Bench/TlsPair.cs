using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Starling.Net.Transport;
using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Bench;

/// <summary>Two ends of one TLS 1.3 connection over TCP on loopback, bare or with the link's buffers under it.</summary>
internal static class TlsPair
{
    private static readonly X509Certificate2 Certificate = CreateCertificate();
    private static readonly CipherSuitesPolicy? Ciphers = OperatingSystem.IsLinux() ? new CipherSuitesPolicy([TlsCipherSuite.TLS_AES_128_GCM_SHA256]) : null;

    public static async Task<(Stream Dialler, Stream Listener)> BareAsync()
    {
        var (dialler, listener) = await SocketsAsync();
        return await SecureAsync(dialler, listener);
    }

    public static async Task<(YamuxConnection Dialler, YamuxConnection Listener)> LinkAsync(YamuxOptions? options = null)
    {
        var (dialler, listener) = await SocketsAsync();
        var (dialling, listening) = (new LinkStream(dialler), new LinkStream(listener));
        var (client, server) = await SecureAsync(dialling, listening);
        dialling.AutoFlush = listening.AutoFlush = false;
        var budget = new ResourceBudget();
        return (Start(client, Direction.Outbound, options, budget), Start(server, Direction.Inbound, options, budget));
    }

    private static YamuxConnection Start(Stream channel, Direction direction, YamuxOptions? options, ResourceBudget budget) => YamuxConnection.Start(
        channel,
        new LinkDescription(null!, null!, null!, null!, null!, direction, "/tls/1.0.0", "/yamux/1.0.0"),
        options ?? new YamuxOptions(),
        budget,
        TimeProvider.System);

    private static async Task<(Stream Dialler, Stream Listener)> SocketsAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await dialler.ConnectAsync(listener.LocalEndpoint);
        var accepted = await listener.AcceptSocketAsync();
        accepted.NoDelay = true;
        return (new NetworkStream(dialler, ownsSocket: true), new NetworkStream(accepted, ownsSocket: true));
    }

    private static async Task<(Stream Client, Stream Server)> SecureAsync(Stream dialler, Stream listener)
    {
        var client = new SslStream(dialler);
        var server = new SslStream(listener);
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
