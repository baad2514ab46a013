using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Starling.Bench.PubSub.Nats;

/// <summary>A nats-server of our own: on 127.0.0.1, a free port, with TLS and a certificate made for this run. Disposing ends it.</summary>
internal sealed class NatsHost : IAsyncDisposable
{
    private const string Listening = "Listening for client connections on 127.0.0.1:";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly Task _log;

    private NatsHost(Process process, Task log, int port, string certificate) => (_process, _log, Port, Certificate) = (process, log, port, certificate);

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The SHA-256 of the server's certificate, in hexadecimal: what a client has to meet.</summary>
    public string Certificate { get; }

    /// <summary>Where the program is, or null: on the path, or where Debian puts it.</summary>
    public static string? FindProgram() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/sbin", "/usr/bin", "/usr/local/bin"])
            .Select(static folder => Path.Combine(folder, "nats-server"))
            .FirstOrDefault(File.Exists);

    /// <summary>Starts the server. Its key and certificate are files only until it has read them.</summary>
    /// <exception cref="InvalidOperationException">It ended, or was not ready in time.</exception>
    public static async Task<NatsHost> StartAsync(string program)
    {
        var folder = Directory.CreateTempSubdirectory("starling-nats-").FullName;
        try
        {
            var certificate = await WriteFilesAsync(folder);
            var start = new ProcessStartInfo(program, ["-c", Path.Combine(folder, "server.conf")]) { RedirectStandardError = true, UseShellExecute = false };
            var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
            try
            {
                var port = await ReadyAsync(process.StandardError).WaitAsync(Patience);
                return new NatsHost(process, process.StandardError.BaseStream.CopyToAsync(Stream.Null), port, certificate);
            }
            catch
            {
                process.Kill();
                process.Dispose();
                throw;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _log;
        _process.Dispose();
    }

    private static async Task<int> ReadyAsync(StreamReader log)
    {
        var port = 0;
        var said = new StringBuilder();
        while (await log.ReadLineAsync() is { } line)
        {
            said.AppendLine(line);
            if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at) port = int.Parse(line.AsSpan(at + Listening.Length), CultureInfo.InvariantCulture);
            if (port != 0 && line.Contains("Server is ready", StringComparison.Ordinal)) return port;
        }

        throw new InvalidOperationException($"nats-server ended at once: {said}");
    }

    /// <summary>A slow subscriber may lag 256 MiB before the server drops it; otherwise the server's defaults.</summary>
    private static async Task<string> WriteFilesAsync(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=starling-bench", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (certificateFile, keyFile) = (Path.Combine(folder, "certificate.pem"), Path.Combine(folder, "key.pem"));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(
            Path.Combine(folder, "server.conf"),
            $$"""
            listen: "127.0.0.1:-1"
            max_pending: 268435456
            tls { cert_file: "{{certificateFile}}", key_file: "{{keyFile}}", timeout: 10 }
            """);
        return certificate.GetCertHashString(HashAlgorithmName.SHA256);
    }
}
