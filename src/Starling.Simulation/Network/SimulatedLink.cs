namespace Starling.Simulation;

/// <summary>One direction of a link: what <see cref="From"/> sends to <see cref="To"/>, in order, and whether From holds the link to be there.</summary>
/// <remarks>Both ends hold it so for themselves: an end that fell silent is noticed by the other only after a time, or by a frame that it no longer takes.</remarks>
internal sealed class SimulatedLink(SimulatedNode from, SimulatedNode to, long latency) : EventTarget
{
    /// <summary>Set in the kind of an event whose frame has arrived and waits for its turn at a slow node.</summary>
    private const int InTurn = 0x40;

    /// <summary>What the other end learns when a node stops.</summary>
    public static readonly CloseInfo Stopping = new(CloseReason.RemoteClose, RemoteReason: CloseReason.NodeStopping);

    /// <summary>What an end learns when the other one knows nothing of the link any more.</summary>
    public static readonly CloseInfo Gone = new(CloseReason.TransportError);

    private static readonly CloseInfo Silent = new(CloseReason.KeepAliveTimeout);

    private long _free;
    private long _last;
    private Queue<(int Kind, object? Payload)>? _held;

    public SimulatedNode From { get; } = from;

    public SimulatedNode To { get; } = to;

    public SimulatedLink Back { get; private set; } = null!;

    /// <summary>Ticks one way.</summary>
    public long Latency { get; } = latency;

    /// <summary>Whether <see cref="From"/> holds the link to be there.</summary>
    public bool IsOpen { get; set; }

    /// <summary>Whether <see cref="From"/> dialled it.</summary>
    public bool IsOutbound { get; private init; }

    /// <summary>When the silence of the other end will have been noticed, or -1.</summary>
    public long DeadAt { get; set; } = -1;

    internal override long TraceId => ((long)From.Index << 32) | (uint)To.Index;

    private SimulatedNetwork Network => From.Network;

    /// <summary>Both directions of a new link, open.</summary>
    public static SimulatedLink Open(SimulatedNode dialler, SimulatedNode answerer, long latency)
    {
        var there = new SimulatedLink(dialler, answerer, latency) { IsOpen = true, IsOutbound = true };
        var back = new SimulatedLink(answerer, dialler, latency) { IsOpen = true, Back = there };
        there.Back = back;
        return there;
    }

    /// <summary>Sends a frame: it leaves after those before it, and arrives after them.</summary>
    public void Send(FrameKind kind, object? payload, int size)
    {
        var control = kind != FrameKind.Message;
        var counters = Network.Counters;
        var now = Network.Simulation.Now.Ticks;
        var leaves = now;
        if (Network.BandwidthOf(this) is { } bandwidth)
        {
            leaves = bandwidth.Leave(now, ref _free, size, control);
            if (leaves < 0)
            {
                counters.Shed++;
                return;
            }
        }

        counters.Count(control, size);
        if (!Network.Options.Loss.TryDraw(From.Random, control, out var late))
        {
            counters.Lost++;
            return;
        }

        // A stream keeps its order: what comes late holds up what follows.
        _last = Math.Max(_last, leaves + Latency + late);
        Network.Simulation.Add(_last - now, this, (int)kind, payload);
    }

    /// <summary>After this time without a sign of life From gives the link up.</summary>
    public void FallSilent(TimeSpan noticed)
    {
        if (!IsOpen) return;
        DeadAt = (Network.Simulation.Now + noticed).Ticks;
        Network.Simulation.Add(noticed.Ticks, this, (int)FrameKind.Silence, null);
    }

    /// <summary>The network carries again what it held up.</summary>
    public void Resume()
    {
        DeadAt = -1;
        if (!Back.IsOpen)
        {
            // Its next ping finds out that the other end has given up.
            Back.Send(FrameKind.Closed, Gone, 40);
            return;
        }

        if (_held is not { } held) return;
        _held = null;
        foreach (var (kind, payload) in held)
        {
            _last = Math.Max(_last, Network.Simulation.Now.Ticks + Latency);
            Network.Simulation.Add(_last - Network.Simulation.Now.Ticks, this, kind, payload);
        }
    }

    internal override void Handle(int kind, object? payload)
    {
        if (kind == (int)FrameKind.Silence)
        {
            if (IsOpen && DeadAt == Network.Simulation.Now.Ticks) From.Lose(this, Silent);
            return;
        }

        if (Network.IsCut(From, To))
        {
            Hold(kind, payload);
            return;
        }

        if (!To.IsUp)
        {
            Network.Counters.Lost++;
            return;
        }

        if (!Back.IsOpen)
        {
            // The other end knows nothing of this link any more and says so.
            Network.Counters.Lost++;
            if (kind != (int)FrameKind.Closed && IsOpen) Back.Send(FrameKind.Closed, Gone, 40);
            return;
        }

        var frame = (FrameKind)(kind & ~InTurn);
        if (kind < InTurn && To.WaitOfNext(frame != FrameKind.Message, out var wait))
        {
            if (wait < 0) Network.Counters.Shed++;
            else Network.Simulation.Add(wait, this, kind | InTurn, payload);
            return;
        }

        if (frame == FrameKind.Closed) To.Lose(Back, (CloseInfo)payload!);
        else To.Receive(this, frame, payload);
    }

    /// <summary>Keeps a frame for the time when the network carries again: its sender sends it again and again, as long as the link lasts.</summary>
    private void Hold(int kind, object? payload)
    {
        _held ??= new();
        if (!IsOpen || _held.Count >= Network.Options.MaxHeldFrames) Network.Counters.Lost++;
        else _held.Enqueue((kind, payload));
    }
}

/// <summary>What goes over a link.</summary>
internal enum FrameKind
{
    Subscribe,
    Unsubscribe,
    Message,
    Graft,
    Prune,
    IHave,
    IWant,
    IDontWant,

    /// <summary>The sender has closed the link.</summary>
    Closed,

    /// <summary>No frame: time to notice that nothing comes.</summary>
    Silence,
}
