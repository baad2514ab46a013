using System.Buffers;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Starling.Cli;

/// <summary>Where the tool writes: data to standard output, everything else to standard error. Safe for several threads.</summary>
internal sealed class Output : IDisposable
{
    private readonly Lock _gate = new();
    private readonly BufferedStream _data = new(Console.OpenStandardOutput(), 64 * 1024);

    /// <summary>Whether standard error is a terminal, where a live table may be drawn.</summary>
    public bool IsLive { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Draws tables and progress bars on standard error.</summary>
    public IAnsiConsole Screen { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>A line of data, flushed.</summary>
    public void Line(string text)
    {
        Data(Encoding.UTF8.GetBytes(text));
        Flush();
    }

    /// <summary>One object as a line of data, flushed.</summary>
    public void Json(Action<Utf8JsonWriter> write)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        Data(line.WrittenSpan);
        Flush();
    }

    /// <summary>Bytes and a line feed, as data; written out by <see cref="Flush"/> or when much has piled up.</summary>
    /// <exception cref="OutputClosedException">Nobody reads standard output any more.</exception>
    public void Data(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            try
            {
                _data.Write(bytes);
                _data.WriteByte((byte)'\n');
            }
            catch (IOException e)
            {
                throw new OutputClosedException(e);
            }
        }
    }

    /// <summary>Writes out all data.</summary>
    /// <exception cref="OutputClosedException">Nobody reads standard output any more.</exception>
    public void Flush()
    {
        lock (_gate)
        {
            try
            {
                _data.Flush();
            }
            catch (IOException e)
            {
                throw new OutputClosedException(e);
            }
        }
    }

    /// <summary>A line for people, on standard error.</summary>
    public void Note(string text)
    {
        lock (_gate) Console.Error.WriteLine(text);
    }

    /// <summary>The one line of a failure, on standard error; returns the exit code.</summary>
    public int Fail(string message)
    {
        Note($"starling: {message}");
        return Tool.Failed;
    }

    public void Dispose()
    {
        // What could not be flushed was for a reader who has gone.
        lock (_gate)
        {
            try
            {
                _data.Dispose();
            }
            catch (IOException e)
            {
                Console.Error.WriteLine($"starling: standard output: {e.Message}");
            }
        }
    }
}

/// <summary>Standard output was closed by whoever read it.</summary>
internal sealed class OutputClosedException(IOException inner) : Exception(inner.Message, inner);
