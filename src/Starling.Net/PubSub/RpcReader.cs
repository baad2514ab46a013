using System.Runtime.CompilerServices;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Reads one inbound stream: cuts it into RPCs, has the router screen each, checks the signatures that are left here, outside the router's lock, and has the router take in what holds.</summary>
/// <remarks>Signatures are the heavy part, about 0.2 ms each: checked per neighbour, in order, they use as many cores as there are neighbours, while the
/// router only looks up. The next RPC is read when this one is done with.</remarks>
internal sealed class RpcReader(PeerId from, IStream stream, TopicRouter router)
{
    private readonly Rpc _rpc = new();
    private readonly List<ITopicSink> _full = [];
    private TaskCompletionSource? _reader;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var frames = new RpcFrameReader(stream, router.Options.MaxRpcBytes);
        try
        {
            while (await new TellingRead(this, frames.ReadAsync(cancellationToken)) is { } body)
            {
                if (!TakeIn(body)) continue;
                var few = router.FewJudgedAsync();
                if (_full.Count > 0 || few is { IsCompleted: false }) TellReader();
                if (_full.Count > 0) await WaitForSinksAsync(cancellationToken).ConfigureAwait(false);
                if (few is { IsCompleted: false }) await few.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RpcRefusedException refused)
        {
            router.Log.RpcRefused(from, refused.Message);
            router.CountRefusal(refused.Reason);
            stream.Reset();
        }
    }

    /// <summary>Takes an RPC in. False when no message of it was new.</summary>
    private bool TakeIn(ReadOnlyMemory<byte> body)
    {
        ReaderWake.Hold();
        try
        {
            var refusal = RpcCodec.Decode(body, router.Options, _rpc);
            if (refusal != PubSubRefusal.None) throw new RpcRefusedException(refusal, $"An RPC was refused: {refusal}.");
            if (router.Receive(from, _rpc) == 0) return false;
            _rpc.VerifySignatures();
            router.Accept(from, _rpc, _full);
            return true;
        }
        finally
        {
            _reader = ReaderWake.Release();
        }
    }

    private void TellReader()
    {
        if (_reader is null) return;
        ReaderWake.TellOnPool(_reader);
        _reader = null;
    }

    private async Task WaitForSinksAsync(CancellationToken cancellationToken)
    {
        foreach (var sink in _full) await sink.RoomAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        _full.Clear();
    }

    /// <summary>Awaits the next RPC; when it has to be waited for, a subscription's reader is told on this thread once the wait is armed.</summary>
    private readonly struct TellingRead(RpcReader owner, ValueTask<ReadOnlyMemory<byte>?> read) : ICriticalNotifyCompletion
    {
        private readonly ConfiguredValueTaskAwaitable<ReadOnlyMemory<byte>?>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

        public bool IsCompleted
        {
            get
            {
                if (!_read.IsCompleted) return false;
                owner.TellReader();
                return true;
            }
        }

        public TellingRead GetAwaiter() => this;

        public ReadOnlyMemory<byte>? GetResult() => _read.GetResult();

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            // From the moment the read is armed the loop may run on another thread and use the field.
            var reader = owner._reader;
            owner._reader = null;
            _read.UnsafeOnCompleted(continuation);
            if (reader is not null) ReaderWake.TellHere(reader);
        }
    }
}
