using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Cli;

/// <summary>Reads certificates from PEM files.</summary>
internal static class Pem
{
    /// <exception cref="StarlingException">The file cannot be read, or lacks the certificate or its key.</exception>
    public static X509Certificate2 Load(string path)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StarlingException($"The certificate file {path} cannot be used: {error.Message} It must hold a certificate and its private key in PEM.", error);
        }
    }
}
