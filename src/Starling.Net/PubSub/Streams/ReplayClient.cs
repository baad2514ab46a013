using Starling.Net.Links;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>Asks a neighbour's log. Whatever it answers is proved as a live message would be before it is taken.</summary>
internal sealed class ReplayClient(ILinkHost host, StreamTopics topics, TopicSetting setting)
{
    /// <summary>Asks one neighbour.</summary>
    /// <param name="link">Whom.</param>
    /// <param name="request">For what.</param>
    /// <param name="wire">The gossip topic that every bundle must be of.</param>
    /// <param name="take">Is given each bundle, in the order of the log.</param>
    /// <returns>How the answer ended; null when it failed, after what was taken.</returns>
    public async Task<ReplayStatus?> AskAsync(IPeerLink link, ReplayRequest request, WireTopic wire, Action<StreamBundle> take)
    {
        if (!ReferenceEquals(host.Find(link.Peer), link)) return null;
        var outcome = await TryAskAsync(link, request, wire, take).ConfigureAwait(false);
        setting.Metrics.ReplayAsked(outcome);
        return outcome;
    }

    private async Task<ReplayStatus?> TryAskAsync(IPeerLink link, ReplayRequest request, WireTopic wire, Action<StreamBundle> take)
    {
        using var time = new CancellationTokenSource(topics.Options.ReplayTimeout, setting.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, topics.Stopping);
        try
        {
            await using var stream = await link.OpenStreamAsync([ReplayCodec.Protocol], either.Token).ConfigureAwait(false);
            try
            {
                await stream.WriteAsync(ReplayCodec.Write(request), either.Token).ConfigureAwait(false);
                await stream.CloseWriteAsync(either.Token).ConfigureAwait(false);
                return await ReadAsync(stream, link.Peer, request, wire, take, either.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is ProtocolViolationException or OperationCanceledException)
            {
                stream.Reset();
                throw;
            }
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            setting.Log.ReplayFailed(link.Peer, error is StarlingException ? error.Message : "it did not answer in time");
            return null;
        }
    }

    private async Task<ReplayStatus> ReadAsync(IStream stream, PeerId from, ReplayRequest request, WireTopic wire, Action<StreamBundle> take, CancellationToken cancellationToken)
    {
        var most = setting.Options.MaxMessageBytes + 1;
        for (long left = topics.Options.MaxReplayBytes + (64 << 10); ;)
        {
            var body = await stream.ReadLengthDelimitedAsync(most, cancellationToken).ConfigureAwait(false) ?? throw new ProtocolViolationException("an answer from a log ended without its end");
            if (!ReplayCodec.TryReadAnswer(body, out var encoded, out var end)) throw new ProtocolViolationException("an answer from a log holds a frame of no known kind");
            if (end is { } status) return status;
            if ((left -= body.Length) < 0) throw new ProtocolViolationException("an answer from a log is longer than it may be");
            var bundle = Prove(encoded, from, request, wire);
            if (await topics.Wire.IsAcceptedAsync(wire, bundle.Message, from).ConfigureAwait(false)) take(bundle);
        }
    }

    private StreamBundle Prove(ReadOnlyMemory<byte> encoded, PeerId from, ReplayRequest request, WireTopic wire)
    {
        var isSigned = wire.Family == TopicFamily.LibP2P;
        var message = ReplayedMessage.TryRead(encoded, wire.Name, isSigned) ?? throw new ProtocolViolationException("an answer from a log holds a message that is not its origin's, or of another topic");
        if (!isSigned && !message.Id.Origin.Equals(topics.Wire.LocalPeer) && !topics.IsMember(Topic.Link(request.Topic, []), message.Id.Origin))
        {
            throw new ProtocolViolationException("an answer from a log holds a message of a peer that is no member of the topic");
        }

        if (StreamBundle.TryRead(message, from, setting.Clock.GetUtcNow(), setting.Clock.Now(), isReplayed: true, out var bundle) != EnvelopeRefusal.None)
        {
            topics.Counters.CountRefused();
            throw new ProtocolViolationException("an answer from a log holds a message that is no envelope");
        }

        if (request.Origin is { } origin && (!bundle!.Origin.Equals(origin) || bundle.Header.Epoch != request.Epoch)) throw new ProtocolViolationException("an answer from a log holds messages that were not asked for");
        return bundle!;
    }
}
