using System.Text;

namespace Starling.Protocols.Requests;

/// <summary>What the serving side does about a frame.</summary>
public enum ServingStep
{
    /// <summary>A new call: serve or or refuse it, and tell <see cref="ServingCore{T}.TryEnd"/> when that is done.</summary>
    Begin,

    /// <summary>A new call that may not be served: refuse it, which ends it.</summary>
    Refuse,

    /// <summary>The call of this id is not wanted any more.</summary>
    Cancel,

    /// <summary>Nothing: the call has ended already.</summary>
    Ignore,

    /// <summary>The caller broke the protocol: reset the stream.</summary>
    Violation,
}

/// <summary>The serving side of one stream: which calls are open on it. Pure; not safe for several threads.</summary>
/// <typeparam name="T">What serves a call.</typeparam>
/// <param name="maxCalls">Calls open at once on the stream.</param>
public sealed class ServingCore<T>(int maxCalls)
    where T : class
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly Dictionary<ulong, T?> _open = [];
    private byte[] _nameBytes = [];
    private ulong _last;

    /// <summary>The name of the latest call's handler.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Calls that are open.</summary>
    public int Open => _open.Count;

    /// <summary>Takes the next frame of the stream.</summary>
    public ServingStep OnFrame(in RequestFrame frame) => frame.Kind switch
    {
        RequestFrameKind.Call => OnCall(frame.Id, frame.Name),
        RequestFrameKind.Cancel when frame.Id > _last => ServingStep.Violation,
        RequestFrameKind.Cancel => _open.ContainsKey(frame.Id) ? ServingStep.Cancel : ServingStep.Ignore,
        _ => ServingStep.Violation,
    };

    /// <summary>Takes a call that is refused unread, for its size.</summary>
    public ServingStep OnOversized(in RequestFrame frame)
    {
        if (frame.Kind != RequestFrameKind.Call || !TryNumber(frame.Id, frame.Name)) return ServingStep.Violation;
        return ServingStep.Refuse;
    }

    /// <summary>Says who serves an open call.</summary>
    public void Serve(ulong id, T by) => _open[id] = by;

    /// <summary>Whether the call still waits for an answer.</summary>
    public bool IsOpen(ulong id) => _open.ContainsKey(id);

    /// <summary>The call is answered, refused or given up.</summary>
    /// <param name="id">The call.</param>
    /// <param name="by">Who serves it, or null.</param>
    /// <returns>False when it had ended before: then it is not answered.</returns>
    public bool TryEnd(ulong id, out T? by) => _open.Remove(id, out by);

    /// <summary>Ends every call and says who serves them.</summary>
    public IReadOnlyList<T> EndAll()
    {
        List<T> all = [.. _open.Values.OfType<T>()];
        _open.Clear();
        return all;
    }

    private ServingStep OnCall(ulong id, ReadOnlySpan<byte> name)
    {
        if (!TryNumber(id, name)) return ServingStep.Violation;
        return _open.Count > maxCalls ? ServingStep.Refuse : ServingStep.Begin;
    }

    private bool TryNumber(ulong id, ReadOnlySpan<byte> name)
    {
        if (id <= _last) return false;
        if (!name.IsEmpty && !name.SequenceEqual(_nameBytes) && !TryRename(name)) return false;
        if (_nameBytes.Length == 0) return false;
        _last = id;
        _open.Add(id, null);
        return true;
    }

    private bool TryRename(ReadOnlySpan<byte> name)
    {
        try
        {
            Name = StrictUtf8.GetString(name);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }

        _nameBytes = name.ToArray();
        return true;
    }
}
