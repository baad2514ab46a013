using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <content>What is asked of logs: this node's own first, then those of neighbours, one after the other.</content>
internal sealed partial class StreamTopic
{
    /// <summary>How often all logs are asked for the past when none answers.</summary>
    private const int MaxRounds = 4;

    private async Task RecoverAsync(StreamLane lane, StreamEffect gap)
    {
        try
        {
            if (gap.Heard is null) TakeOwn(lane, gap);
            foreach (var source in _owner.SourcesOf(Topic, gap.Bundle?.ReceivedFrom, gap.Origin))
            {
                if (!IsOpen(lane, gap)) return;
                var age = gap.Heard is { } heard ? _owner.Clock.Now() - heard : (TimeSpan?)null;
                var request = new ReplayRequest(Topic.Kind == TopicKind.Link, Topic.Name, gap.Origin, gap.Epoch, gap.First, gap.Count, age);
                var end = await _owner.Client.AskAsync(source, request, Topic.Wire, bundle => TakeReplayed(lane, bundle)).ConfigureAwait(false);

                // At first contact one log that was asked is enough: it was followed before.
                if (end == ReplayStatus.Done && gap.Heard is not null) return;
            }
        }
        finally
        {
            var now = _owner.Clock.Now();
            lock (_gate)
            {
                lane.Receiver.RecoveryEnded(gap.Origin, gap.Epoch, now, lane.Effects);
                CarryOut(lane, now);
                SetTimer();
            }

            TellLosses();
        }
    }

    /// <summary>Bundles that found no room behind a gap are in the own log.</summary>
    private void TakeOwn(StreamLane lane, in StreamEffect gap)
    {
        var now = _owner.Clock.Now();
        lock (_gate)
        {
            foreach (var bundle in _log.Range(gap.Origin, gap.Epoch, gap.First, gap.First + gap.Count)) lane.Receiver.Receive(bundle, now, lane.Effects);
            CarryOut(lane, now);
            SetTimer();
        }
    }

    private void TakeReplayed(StreamLane lane, StreamBundle bundle)
    {
        var now = _owner.Clock.Now();
        lock (_gate)
        {
            Keep(bundle, now);
            lane.Receiver.Receive(bundle, now, lane.Effects);
            CarryOut(lane, now);
            SetTimer();
        }

        TellLosses();
    }

    private bool IsOpen(StreamLane lane, in StreamEffect gap)
    {
        lock (_gate) return !_stopped && _lanes.Contains(lane) && lane.Receiver.IsMissing(gap.Origin, gap.Epoch, gap.First + gap.Count);
    }

    /// <summary>Gathers the past that a late subscription wants, and lets it begin.</summary>
    private async Task JoinAsync(StreamLane lane, SubscriptionOptions wanted)
    {
        var past = new List<StreamBundle>();
        var began = _owner.Clock.Now();
        try
        {
            past.AddRange(Read(new ReplayRequest(Topic.Kind == TopicKind.Link, Topic.Name, null, 0, 0, (ulong)(wanted.Last ?? 0), wanted.Since)));
            if (wanted.Last is not { } enough || MessagesIn(past) < enough) await AskPastAsync(wanted, past).ConfigureAwait(false);
        }
        finally
        {
            var now = _owner.Clock.Now();
            lock (_gate)
            {
                if (!_owner.EchoOwnMessages) past.RemoveAll(bundle => bundle.Origin.Equals(_owner.Wire.LocalPeer));
                foreach (var bundle in past) Keep(bundle, now);
                if (wanted.Since is { } since) past.RemoveAll(bundle => !bundle.IsReplayed && bundle.TakenAt < began - since);
                lane.Receiver.EndJoin(past, wanted.Last, now, lane.Effects);
                CarryOut(lane, now);
                SetTimer();
            }

            TellLosses();
        }
    }

    /// <summary>Asks one log after the other until one has what is wanted; all of them again, a few times, when none of them could answer.</summary>
    private async Task AskPastAsync(SubscriptionOptions wanted, List<StreamBundle> past)
    {
        await _owner.WaitForSourceAsync(Topic).ConfigureAwait(false);
        for (var round = 0; round < MaxRounds; round++)
        {
            var isAnswered = false;
            foreach (var source in _owner.SourcesOf(Topic, null, null))
            {
                var request = new ReplayRequest(Topic.Kind == TopicKind.Link, Topic.Name, null, 0, 0, (ulong)(wanted.Last ?? 0), wanted.Since);
                var answered = 0;
                var end = await _owner.Client.AskAsync(source, request, Topic.Wire, bundle =>
                {
                    answered += bundle.Header.Count;
                    past.Add(bundle);
                }).ConfigureAwait(false);
                if (end == ReplayStatus.Done && (wanted.Last is { } enough ? answered >= enough : answered > 0)) return;
                isAnswered |= end is not (null or ReplayStatus.Busy);
            }

            if (isAnswered) return;
            await Task.Delay(_owner.Options.RecoveryDelay * (1 << (2 * round)), _owner.Clock, _owner.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_owner.Stopping.IsCancellationRequested) return;
        }
    }

    private static long MessagesIn(IEnumerable<StreamBundle> bundles) => bundles.Sum(bundle => (long)bundle.Header.Count);
}
