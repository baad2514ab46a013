using System.Security.Cryptography;

namespace Starling.Cli;

/// <summary>A file whose first line is a secret token, readable by its owner alone.</summary>
internal static class TokenFile
{
    /// <summary>Reads the token; makes a fresh one where there is no file.</summary>
    /// <exception cref="StarlingException">The file cannot be read or made.</exception>
    public static string ReadOrCreate(string path, out bool created)
    {
        created = false;
        try
        {
            if (!File.Exists(path))
            {
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                using var writer = new StreamWriter(path, options);
                writer.WriteLine(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
                created = true;
            }

            return File.ReadLines(path).FirstOrDefault()?.Trim() is { Length: > 0 } token ? token : throw new StarlingException($"The token file {path} has an empty first line; delete it and a fresh one is made.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The token file {path} cannot be used: {error.Message}", error);
        }
    }
}
