namespace Starling.Net.Transport;

/// <summary>Tells whether a TLS failure is an alert that the other side sent.</summary>
internal static class TlsAlert
{
    /// <summary>The alert in OpenSSL's words, or null when the failure was found on this side.</summary>
    /// <remarks>.NET exposes received alerts only in the text of the OpenSSL error behind the exception.</remarks>
    public static string? Find(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            var at = e.Message.IndexOf("alert ", StringComparison.Ordinal);
            if (at >= 0) return e.Message[at..].TrimEnd('.');
        }

        return null;
    }
}
