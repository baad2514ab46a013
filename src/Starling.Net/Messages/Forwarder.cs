using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>Hands received messages of forwardable types on to the direct neighbours that do not have them: what makes a node a proxy. Safe for several threads.</summary>
/// <remarks>Only new messages of registered types get here, after this node's own handlers were given them. Their origin, id and payload stay what they were.</remarks>
public sealed class Forwarder
{
    internal const int MaxUnderWay = 16;
    private readonly Lock _gate = new();
    private readonly MessageContext _context;
    private readonly ForwarderCore<Item> _core;
    private readonly PriorityGate _underWay = new(MaxUnderWay);
    private readonly Func<MessageEnvelope, IReadOnlyList<PeerId>, Task<IReadOnlyList<SendResult>>> _send;
    private readonly Action<ReceivedMessage, string> _dropped;
    private readonly Dictionary<string, bool> _chosen = new(StringComparer.Ordinal);
    private bool _enabled;
    private bool _running;

    internal Forwarder(MessageContext context, Func<MessageEnvelope, IReadOnlyList<PeerId>, Task<IReadOnlyList<SendResult>>> send, Action<ReceivedMessage, string> dropped)
    {
        (_context, _send, _dropped) = (context, send, dropped);
        _core = new ForwarderCore<Item>(context.Options.Forwarder);
        _enabled = context.Options.Forwarder.Enabled;
    }

    /// <summary>Whether messages are handed on. May be changed at any time; switching it off gives up those that wait, which is told.</summary>
    public bool Enabled
    {
        get { lock (_gate) return _enabled; }
        set
        {
            IReadOnlyList<Item> given = [];
            lock (_gate)
            {
                _enabled = value;
                if (!value) given = _core.Clear();
            }

            foreach (var item in given) Drop(item, "The forwarder was switched off.");
        }
    }

    /// <summary>The types for which <see cref="SetRelay"/> has chosen, and what.</summary>
    public IReadOnlyDictionary<string, bool> RelayChoices
    {
        get { lock (_gate) return new Dictionary<string, bool>(_chosen); }
    }

    /// <summary>Chooses whether messages of a type are handed on, whatever its registration says, while handing on is on at all; null leaves it to the registration again. From now on: those that wait are handed on.</summary>
    /// <param name="type">The type's name. Only registered types are ever handed on.</param>
    /// <param name="relay">The choice.</param>
    /// <exception cref="InvalidOperationException">There are as many choices as there may be types (<see cref="MessageOptions.MaxTypes"/>).</exception>
    public void SetRelay(string type, bool? relay)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_gate)
        {
            if (relay is not { } chosen)
            {
                _chosen.Remove(type);
                return;
            }

            if (!_chosen.ContainsKey(type) && _chosen.Count >= _context.Options.MaxTypes) throw new InvalidOperationException($"There are {_chosen.Count} choices, the most that is allowed ({nameof(MessageOptions.MaxTypes)}).");
            _chosen[type] = chosen;
        }
    }

    /// <summary>Messages that wait to be handed on.</summary>
    public int Queued
    {
        get { lock (_gate) return _core.Count; }
    }

    internal void Offer(MessageKey key, ReceivedMessage message, MessageEnvelope envelope)
    {
        if (envelope.Hops >= _context.Options.MaxHops) return;
        var item = new Item(message, envelope with { Origin = key.Origin, Hops = envelope.Hops + 1, WantsAnswer = false }, new Charge(_context.Budget));
        var size = envelope.Payload.Length + MessageCodec.MaxHeadBytes;
        bool taken;
        lock (_gate)
        {
            if (!_enabled || !_chosen.GetValueOrDefault(message.Type.Name, message.Type.IsForwardable) || _core.Holds(key)) return;
            taken = _core.Fits(size) && item.Charge.TryAdd(size) && _core.TryAdd(key, message.ReceivedFrom, size, item);
            if (taken && !_running)
            {
                _running = true;
                _context.Tasks.Run(RunAsync);
            }
        }

        if (!taken) Drop(item, "The forwarder's queue was full.");
    }

    internal void Heard(MessageKey key, PeerId from)
    {
        lock (_gate) _core.Heard(key, from);
    }

    /// <summary>Hands on until nothing waits.</summary>
    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                bool due;
                Item? item;
                IReadOnlyList<PeerId> to;
                Instant next;
                var neighbours = _context.Host.Links.Where(link => link.Kind == LinkKind.Direct).Select(link => link.Peer).ToList();
                lock (_gate)
                {
                    due = _core.TryTake(_context.Clock.Now(), neighbours, out item, out to, out next);
                    if (!due && next == Instant.Never)
                    {
                        _running = false;
                        return;
                    }
                }

                if (due) await SendAsync(item, to).ConfigureAwait(false);
                else await DelayAsync(next).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_context.Stopping.IsCancellationRequested)
        {
            Enabled = false;
        }
    }

    private async Task DelayAsync(Instant until)
    {
        var wait = until - _context.Clock.Now();
        if (wait > TimeSpan.Zero) await Task.Delay(wait, _context.Clock, _context.Stopping).ConfigureAwait(false);
    }

    private async Task SendAsync(Item item, IReadOnlyList<PeerId> to)
    {
        if (to.Count == 0)
        {
            item.Charge.Release();
            return;
        }

        try
        {
            await _underWay.EnterAsync(LinkPriority.Medium, _context.Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Drop(item, "The node stopped.");
            throw;
        }

        _context.Tasks.Run(async () =>
        {
            try
            {
                foreach (var result in await _send(item.Envelope, to).ConfigureAwait(false)) _context.Metrics.Forwarded(result.Status);
            }
            finally
            {
                item.Charge.Release();
                _underWay.Exit();
            }
        });
    }

    private void Drop(Item item, string why)
    {
        item.Charge.Release();
        _context.Metrics.Dropped("not_forwarded");
        _dropped(item.Message, why);
    }

    private sealed record Item(ReceivedMessage Message, MessageEnvelope Envelope, Charge Charge);
}
