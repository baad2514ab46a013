namespace Starling.Protocols.Links;

/// <summary>How much a <see cref="PeerBookCore"/> keeps, and for how long.</summary>
public class PeerBookLimits
{
    /// <summary>The longest time that an age may be.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>Peers kept, static ones included. Default 4,096, from 1 to 1,048,576; about 1 KiB each, and up to 20 KiB with many long addresses.</summary>
    /// <remarks>For one more, the least valuable gives way: who was never linked, was told of by the least trusted and heard of longest ago. Static, linked
    /// and neighbouring peers never do; when nobody can, the new one is refused and counted.</remarks>
    public int MaxPeers { get; set; } = 4096;

    /// <summary>Addresses kept of one peer. Default 16, from 1 to 256. The least valuable gives way.</summary>
    public int MaxAddressesPerPeer { get; set; } = 16;

    /// <summary>Peers remembered as given up, so that hearsay does not bring them back. Default 4,096, at least 0; about 200 bytes each. The oldest is forgotten first.</summary>
    public int MaxDead { get; set; } = 4096;

    /// <summary>Bytes of a signed record that is kept to be handed on. Default 2,048, from 0 to 8,192. Of a longer one only the addresses are kept.</summary>
    public int MaxRecordBytes { get; set; } = 2048;

    /// <summary>Dials of a peer that fail one after the other, without a link between them, until it is given up. Default 8, at least 1. Static peers are never given up.</summary>
    /// <remarks>With a pause that doubles from one second, eight dials take about four minutes.</remarks>
    public int MaxFailures { get; set; } = 8;

    /// <summary>How long a peer or address is kept that nobody told of again and that no link was made to. Default 1 day, more than zero.</summary>
    public TimeSpan ForgetUnseenAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How long a peer or address is kept after its last link. Default 30 days, more than zero.</summary>
    public TimeSpan ForgetSeenAfter { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a peer that was given up is remembered as such. Default 7 days, more than zero; as long as hearsay may still travel.</summary>
    public TimeSpan ForgetDeadAfter { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Adds everything that is wrong.</summary>
    protected void CheckLimits(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(MaxPeers, 1, 1 << 20, nameof(MaxPeers));
        problems.Within(MaxAddressesPerPeer, 1, 256, nameof(MaxAddressesPerPeer));
        problems.Within(MaxDead, 0, 1 << 20, nameof(MaxDead));
        problems.Within(MaxRecordBytes, 0, IdentifyCodec.MaxMessageLength, nameof(MaxRecordBytes));
        problems.Least(MaxFailures, 1, nameof(MaxFailures));
        Age(ForgetUnseenAfter, nameof(ForgetUnseenAfter));
        Age(ForgetSeenAfter, nameof(ForgetSeenAfter));
        Age(ForgetDeadAfter, nameof(ForgetDeadAfter));

        void Age(TimeSpan age, string name)
        {
            if (age <= TimeSpan.Zero || age > Longest) problems.Add(name, age, "is out of range", $"use a time span above zero and up to {Longest.Days} days");
        }
    }
}
