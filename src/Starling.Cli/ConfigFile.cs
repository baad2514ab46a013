using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Starling.Cli;

/// <summary>Reads options from a JSON file, in which comments are allowed.</summary>
internal static class ConfigFile
{
    /// <exception cref="StarlingException">The file cannot be read, or an option in it is wrong; the message names file and option.</exception>
    public static StarlingOptions Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return StarlingConfiguration.Read(new ConfigurationBuilder().AddJsonStream(stream).Build());
        }
        catch (StarlingException error)
        {
            throw new StarlingException($"{path}: {string.Join(" ", error.Message.Split(Environment.NewLine))}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The configuration file {path} cannot be read: {error.Message}", error);
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            throw new StarlingException($"The configuration file {path} is no JSON: {error.InnerException?.Message ?? error.Message}", error);
        }
    }
}
