using Starling.Protocols.Joining;

namespace Starling.Net.Joining;

/// <summary>Whom to ask to be let in, how many, and for how long.</summary>
public sealed record JoinOptions
{
    /// <summary>Where to ask, with or without peer id. Default none: then peers are searched for.</summary>
    public IReadOnlyList<Multiaddr> Addresses { get; init; } = [];

    /// <summary>The discoveries to search with, by name; they must run. Default none: every one that runs, or no search at all where addresses are given.</summary>
    public IReadOnlyList<string> Discoveries { get; init; } = [];

    /// <summary>Time for everything. Default 10 s; more than zero, up to a day. Who has not answered by then is reported so.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for the search, within <see cref="Timeout"/>. Default 3 s. Who is found is asked at once.</summary>
    public TimeSpan SearchTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Time for one peer, from the dial to its answer. Default 5 s, more than zero.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Peers asked at most. Default 32, from 1 to 4,096. Each costs a dial and a link until it is cleaned up.</summary>
    public int MaxPeers { get; init; } = 32;

    /// <summary>Peers asked at the same time. Default 16, from 1 to 256.</summary>
    public int MaxParallel { get; init; } = 16;

    /// <summary>Joining ends as soon as so many have accepted. Default no limit, at least 1.</summary>
    public int Enough { get; init; } = int.MaxValue;

    /// <summary>What every host is told. Default empty, at most 64 KiB.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">One is out of range; the message says which.</exception>
    public void Validate()
    {
        foreach (var time in new[] { Timeout, PeerTimeout })
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(time, TimeSpan.FromDays(1));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(SearchTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPeers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPeers, 4096);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxParallel, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxParallel, 256);
        ArgumentOutOfRangeException.ThrowIfLessThan(Enough, 1);
        if (Payload.Length > JoinReply.MaxPayload) throw new ArgumentException($"{nameof(Payload)} has {Payload.Length} bytes; {JoinReply.MaxPayload} is the most.");
    }
}
