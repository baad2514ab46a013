namespace Starling.Protocols.PubSub.Scoring;

/// <summary>What a score keeper had to give up on. One thread writes; any thread may read.</summary>
public sealed class PeerScoreCounters
{
    private long _deliveriesEvicted;
    private long _retainedEvicted;
    private long _sendersOver;
    private long _badApplicationScores;

    /// <summary>Messages forgotten before their time because as many were remembered as may be.</summary>
    public long DeliveriesEvicted => Volatile.Read(ref _deliveriesEvicted);

    /// <summary>Scores of gone neighbours forgotten before their time because as many were kept as may be.</summary>
    public long RetainedEvicted => Volatile.Read(ref _retainedEvicted);

    /// <summary>Copies that were not counted because as many neighbours had brought the message as are remembered.</summary>
    public long SendersOver => Volatile.Read(ref _sendersOver);

    /// <summary>Answers of <see cref="PeerScoreOptions.ApplicationScore"/> that were no number.</summary>
    public long BadApplicationScores => Volatile.Read(ref _badApplicationScores);

    internal void CountDeliveryEvicted() => Add(ref _deliveriesEvicted);

    internal void CountRetainedEvicted() => Add(ref _retainedEvicted);

    internal void CountSenderOver() => Add(ref _sendersOver);

    internal void CountBadApplicationScore() => Add(ref _badApplicationScores);

    private static void Add(ref long counter) => Volatile.Write(ref counter, counter + 1);
}
