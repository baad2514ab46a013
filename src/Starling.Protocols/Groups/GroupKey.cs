namespace Starling.Protocols.Groups;

/// <summary>What all copies of one message have in common, for the members of a group.</summary>
/// <param name="Origin">Who published it.</param>
/// <param name="Stream">Which of its origin's sequences it is in; see <see cref="StreamOf"/>.</param>
/// <param name="Number">Its number there.</param>
public readonly record struct GroupKey(PeerId Origin, ulong Stream, ulong Number)
{
    private const ulong Prime = 0x100000001b3;
    private const ulong Basis = 0xcbf29ce484222325;

    /// <summary>The number of a sequence: of a topic's name and its origin's epoch, the same at every member.</summary>
    public static ulong StreamOf(string topic, ulong epoch)
    {
        ArgumentNullException.ThrowIfNull(topic);
        var hash = Basis;
        foreach (var letter in topic) hash = (hash ^ letter) * Prime;
        return Mix(hash ^ Mix(epoch));
    }

    /// <summary>How much a member wants this message: the one that wants it most handles it (rendezvous hashing). The same at every member.</summary>
    internal ulong WeightOf(ulong member) => Mix(Mix(Number ^ Stream) ^ HashOf(Origin) ^ (member * Prime));

    internal static ulong HashOf(PeerId peer)
    {
        var hash = Basis;
        foreach (var one in peer.Bytes) hash = (hash ^ one) * Prime;
        return Mix(hash);
    }

    /// <summary>The finalizer of SplitMix64.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
