namespace Starling.Fuzz;

/// <summary>Makes wrong inputs of right ones: flips, cuts, repeats, splices, extreme numbers, and now and then pure noise.</summary>
internal sealed class Mutator(RandomSource random)
{
    private const int MaxInput = 20_000;

    private static readonly byte[][] Extremes =
    [
        [0], [0x7f], [0x80], [0xff], [0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ];

    /// <summary>A changed copy of one sample, sometimes with parts of another.</summary>
    public byte[] Mutate(byte[] sample, byte[] other)
    {
        if (random.Next(50) == 0) return Noise(random.Next(300));
        var input = new List<byte>(sample);
        for (var changes = 1 + random.Next(6); changes > 0; changes--) Change(input, other);
        if (input.Count > MaxInput) input.RemoveRange(MaxInput, input.Count - MaxInput);
        return [.. input];
    }

    private void Change(List<byte> input, byte[] other)
    {
        if (input.Count == 0)
        {
            input.AddRange(Noise(1 + random.Next(8)));
            return;
        }

        var at = random.Next(input.Count);
        switch (random.Next(8))
        {
            case 0:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                input[at] = (byte)random.Next(256);
                break;
            case 2:
                input.RemoveRange(at, Math.Min(input.Count - at, 1 + random.Next(16)));
                break;
            case 3:
                input.RemoveRange(at, input.Count - at);
                break;
            case 4:
                input.InsertRange(at, input.GetRange(at, Math.Min(input.Count - at, 1 + random.Next(64))));
                break;
            case 5:
                input.InsertRange(at, Extremes[random.Next(Extremes.Length)]);
                break;
            case 6:
                var extreme = Extremes[random.Next(Extremes.Length)];
                for (var i = 0; i < extreme.Length && at + i < input.Count; i++) input[at + i] = extreme[i];
                break;
            default:
                var from = random.Next(other.Length + 1);
                input.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(64))]);
                break;
        }
    }

    private byte[] Noise(int length)
    {
        var noise = new byte[length];
        random.Fill(noise);
        return noise;
    }
}
