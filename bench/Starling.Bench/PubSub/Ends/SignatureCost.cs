using System.Diagnostics;
using System.Text.Json;

namespace Starling.Bench.PubSub.Ends;

/// <summary>What one signature costs on this machine, alone on a core.</summary>
/// <param name="SignMicroseconds">Making one.</param>
/// <param name="VerifyMicroseconds">Checking one.</param>
internal sealed record SignatureCost(double SignMicroseconds, double VerifyMicroseconds)
{
    private const int Rounds = 2000;

    public static SignatureCost Measure(int size)
    {
        using var identity = NodeIdentity.Generate();
        var data = new byte[size];
        var signature = identity.Sign(data);
        return new SignatureCost(Time(() => identity.Sign(data)), Time(() => identity.PublicKey.Verify(data, signature)));
    }

    public override string ToString() => JsonSerializer.Serialize(this);

    public static SignatureCost Parse(string text) => JsonSerializer.Deserialize<SignatureCost>(text) ?? throw new InvalidDataException($"'{text}' holds no figures.");

    private static double Time(Action action)
    {
        for (var i = 0; i < Rounds / 10; i++) action();
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < Rounds; i++) action();
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / Rounds;
    }
}
