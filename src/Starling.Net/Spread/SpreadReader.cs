using Starling.Net.PubSub;
using Starling.Protocols.PubSub;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Reads one inbound stream: cuts it into frames, hands each in, and verifies signatures here, outside the loop's turn, so that each neighbour costs only its own stream time.</summary>
internal sealed class SpreadReader(PeerId from, IStream stream, SpreadService service)
{
    private readonly SpreadFrame _frame = new();
    private readonly List<SpreadItem> _unverified = [];
    private readonly List<SpreadItem> _verified = [];
    private readonly List<SpreadRefusal> _refused = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var frames = new RpcFrameReader(stream, service.Options.MaxFrameBytes);
        try
        {
            while (await frames.ReadAsync(cancellationToken).ConfigureAwait(false) is { } body)
            {
                var refusal = SpreadCodec.Decode(body, service.Options, _frame);
                if (refusal != SpreadRefusal.None)
                {
                    await RefuseAsync(refusal).ConfigureAwait(false);
                    return;
                }

                DropBadReplies();
                if (_refused.Count > 0) await HandInVerifiedAsync().ConfigureAwait(false);
                await service.RunAsync(() => service.Receive(from, _frame, _unverified)).ConfigureAwait(false);
                Verify();
                if (_verified.Count + _refused.Count > 0) await HandInVerifiedAsync().ConfigureAwait(false);
            }
        }
        catch (RpcRefusedException refused)
        {
            await RefuseAsync(refused.Reason == PubSubRefusal.RpcTooLarge ? SpreadRefusal.FrameTooLarge : SpreadRefusal.Malformed).ConfigureAwait(false);
        }
    }

    private async ValueTask HandInVerifiedAsync()
    {
        await service.RunAsync(() => service.Accept(from, _verified, _refused)).ConfigureAwait(false);
        _verified.Clear();
        _refused.Clear();
    }

    private void DropBadReplies()
    {
        for (var i = _frame.Replies.Count - 1; i >= 0; i--)
        {
            var reply = _frame.Replies[i];
            if (service.RegistrationOf(reply.Kind)?.Handlers.CheckReply is not { } check || check(reply)) continue;
            _frame.Replies.RemoveAt(i);
            _refused.Add(SpreadRefusal.BadReply);
        }
    }

    private void Verify()
    {
        foreach (var item in _unverified)
        {
            var why = SpreadSignature.Verify(item);
            if (why == SpreadRefusal.None) _verified.Add(item);
            else _refused.Add(why);
        }

        _unverified.Clear();
    }

    private async Task RefuseAsync(SpreadRefusal why)
    {
        service.Log.FrameRefused(from, why);
        await service.RunAsync(() => service.Accept(from, [], [why])).ConfigureAwait(false);
        stream.Reset();
    }
}
