using Starling.Protocols.Yamux;

namespace Starling.Protocols.Tests.Yamux;

/// <summary>One core with a pretend application: streams send a known pattern and check what they receive.</summary>
internal sealed class CoreEnd(bool dialler, YamuxOptions? options = null, ResourceBudget? budget = null)
{
    private readonly Dictionary<YamuxStreamState, App> _apps = [];

    public YamuxCore Core { get; } = new(dialler, options ?? new YamuxOptions(), budget ?? new ResourceBudget(), default);

    /// <summary>Bytes that this end sent and the other has not been given.</summary>
    public List<byte> Wire { get; } = [];

    public Instant Now { get; set; }

    public CloseInfo? Closed { get; private set; }

    public List<YamuxEvent> Events { get; } = [];

    public IEnumerable<YamuxStreamState> Streams => _apps.Keys;

    public YamuxStreamState Open()
    {
        var stream = Core.Open()!;
        _apps.Add(stream, new App());
        return stream;
    }

    public long Sent(YamuxStreamState stream) => _apps[stream].Sent;

    public long Received(YamuxStreamState stream) => _apps[stream].Received;

    public bool Ended(YamuxStreamState stream) => _apps[stream].Ended;

    public long Unread(YamuxStreamState stream) => _apps[stream].Received - _apps[stream].Consumed;

    public void Consume(YamuxStreamState stream, long count)
    {
        _apps[stream].Consumed += count;
        Core.Consumed(stream, (int)count, Now);
    }

    /// <summary>Puts the next frames on the wire, at most so many.</summary>
    public int Send(int frames = int.MaxValue)
    {
        var sent = 0;
        var bytes = new byte[YamuxHeader.Size];
        while (sent < frames && Core.TryNextFrame(Now, out var header, out var stream, out var payload))
        {
            sent++;
            header.Write(bytes);
            Wire.AddRange(bytes);
            if (stream is null) continue;
            var app = _apps[stream];
            for (var i = 0; i < payload; i++) Wire.Add(Pattern(stream.Id, app.Sent++));
        }

        return sent;
    }

    /// <summary>Gives bytes to the core and checks the payload that comes of them.</summary>
    public void Receive(ReadOnlySpan<byte> input)
    {
        while (Core.Next(ref input, Now, out var happened, out var payload))
        {
            if (happened.Kind != YamuxEventKind.Data) Events.Add(happened);
            if (happened.Kind == YamuxEventKind.Closed) Closed = happened.Close;
            if (happened.Stream is not { } stream) continue;
            if (happened.Kind == YamuxEventKind.Opened) _apps.Add(stream, new App());
            var app = _apps[stream];
            Assert.False(app.Ended && happened.Kind != YamuxEventKind.Reset, "Something came after the end.");
            var same = true;
            foreach (var value in payload) same &= value == Pattern(stream.Id, app.Received++);
            Assert.True(same, "Bytes arrived that were not sent in this order.");
            if (happened.Kind == YamuxEventKind.Ended) app.Ended = true;
        }
    }

    /// <summary>Moves up to so many bytes from this end's wire to the other end.</summary>
    public void Deliver(CoreEnd other, int count)
    {
        count = Math.Min(count, Wire.Count);
        var bytes = Wire.GetRange(0, count).ToArray();
        Wire.RemoveRange(0, count);
        other.Receive(bytes);
    }

    public static byte Pattern(uint stream, long offset) => (byte)((offset * 31) + (offset >> 8) + stream);

    private sealed class App
    {
        public long Sent { get; set; }

        public long Received { get; set; }

        public long Consumed { get; set; }

        public bool Ended { get; set; }
    }
}
