namespace Starling.Core.Tests.Identity;

public sealed class KeyFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("starling-keys").FullName;

    private string KeyPath => Path.Combine(_directory, "identity.key");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_created_identity_is_the_one_that_is_loaded_later()
    {
        using var created = NodeIdentity.LoadOrCreate(KeyPath);
        using var again = NodeIdentity.LoadOrCreate(KeyPath);
        using var loaded = NodeIdentity.Load(KeyPath);
        Assert.Equal(created.PeerId, again.PeerId);
        Assert.Equal(created.PeerId, loaded.PeerId);
        Assert.True(created.PublicKey.Verify("x"u8, loaded.Sign("x"u8)));
        Assert.Equal([KeyPath], Directory.GetFileSystemEntries(_directory));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
    }

    [Theory, MemberData(nameof(KeyTests.Vectors), MemberType = typeof(KeyTests))]
    public void Every_private_key_of_the_spec_is_a_key_file_and_saved_as_such(KeyType type, string privateHex, string publicHex)
    {
        WriteKey(Convert.FromHexString(privateHex));
        using var identity = NodeIdentity.Load(KeyPath);
        Assert.Equal(type, identity.PublicKey.Type);
        Assert.Equal(publicHex, Convert.ToHexStringLower(identity.PublicKey.Encoded.Span));
        var copy = Path.Combine(_directory, "copy.key");
        identity.Save(copy);
        Assert.Equal(privateHex, Convert.ToHexStringLower(File.ReadAllBytes(copy)), ignoreCase: true);
    }

    [Fact]
    public void Missing_directories_are_created_for_the_owner_only()
    {
        var path = Path.Combine(_directory, "a", "b", "identity.key");
        using var identity = NodeIdentity.LoadOrCreate(path);
        Assert.True(File.Exists(path));
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Saving_never_overwrites()
    {
        File.WriteAllText(KeyPath, "precious");
        using var identity = NodeIdentity.Generate();
        var error = Assert.Throws<StarlingException>(() => identity.Save(KeyPath));
        Assert.Contains(KeyPath, error.Message, StringComparison.Ordinal);
        Assert.Contains("never overwritten", error.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(KeyPath));
        Assert.Equal([KeyPath], Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public async Task Nodes_that_start_at_once_agree_on_one_identity()
    {
        for (var round = 0; round < 20; round++)
        {
            var path = Path.Combine(_directory, $"{round}", "identity.key");
            using var start = new Barrier(4);
            var ids = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(TimeSpan.FromSeconds(20));
                    using var identity = NodeIdentity.LoadOrCreate(path);
                    return identity.PeerId;
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default))).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.Single(ids.Distinct());
            Assert.Equal([path], Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        }
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead, "640")]
    [InlineData(UnixFileMode.OtherRead, "604")]
    [InlineData(UnixFileMode.OtherWrite, "602")]
    public void A_file_that_others_can_use_is_refused_with_the_command_that_repairs_it(UnixFileMode extra, string mode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file modes.");
        if (OperatingSystem.IsWindows()) return;
        NodeIdentity.LoadOrCreate(KeyPath).Dispose();
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | extra);
        var error = Refused();
        Assert.Contains($"mode {mode}", error, StringComparison.Ordinal);
        Assert.Contains($"chmod 600 '{KeyPath}'", error, StringComparison.Ordinal);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead);
        NodeIdentity.Load(KeyPath).Dispose();
    }

    [Fact]
    public void A_missing_file_a_directory_and_an_empty_file_are_told_apart()
    {
        Assert.Contains("There is no key file", Refused(), StringComparison.Ordinal);
        Assert.Contains("There is no key file", Assert.Throws<StarlingException>(() => NodeIdentity.Load(Path.Combine(KeyPath, "x"))).Message, StringComparison.Ordinal);
        WriteKey([]);
        Assert.Contains("is empty", Refused(), StringComparison.Ordinal);
        WriteKey(new byte[100_000]);
        Assert.Contains("100000 bytes", Refused(), StringComparison.Ordinal);
        Assert.Contains("is a directory", Assert.Throws<StarlingException>(() => NodeIdentity.LoadOrCreate(_directory)).Message, StringComparison.Ordinal);
        File.WriteAllText(KeyPath, "x");
        Assert.Contains("cannot be written", Assert.Throws<StarlingException>(() => NodeIdentity.LoadOrCreate(Path.Combine(KeyPath, "x"))).Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(KeyTests.Vectors), MemberType = typeof(KeyTests))]
    public void A_truncated_file_is_damaged_wherever_it_ends(KeyType type, string privateHex, string publicHex)
    {
        Assert.NotEmpty(publicHex);
        var whole = Convert.FromHexString(privateHex);
        for (var length = 1; length < whole.Length; length += type == KeyType.Rsa ? 97 : 1)
        {
            WriteKey(whole[..length]);
            Assert.Contains("is damaged", Refused(), StringComparison.Ordinal);
        }

        WriteKey([.. whole, 0]);
        Assert.Contains("is damaged", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_bit_of_an_ed25519_file_is_noticed()
    {
        var whole = Convert.FromHexString(KeyVectors.Ed25519Private);
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var bent = (byte[])whole.Clone();
            bent[bit / 8] ^= (byte)(1 << (bit % 8));
            WriteKey(bent);
            Assert.Contains("is damaged", Refused(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_old_ed25519_form_with_the_public_key_twice_is_read_when_both_agree()
    {
        var data = Convert.FromHexString(KeyVectors.Ed25519Private)[4..];
        using var identity = NodeIdentity.Import(KeyType.Ed25519, [.. data, .. data[32..]]);
        Assert.Equal(KeyVectors.Ed25519Public, Convert.ToHexStringLower(identity.PublicKey.Encoded.Span));
        Assert.Throws<StarlingException>(() => NodeIdentity.Import(KeyType.Ed25519, [.. data, .. data[..32]]));
        Assert.Throws<StarlingException>(() => NodeIdentity.Import((KeyType)9, data));
    }

    private string Refused()
    {
        var message = Assert.Throws<StarlingException>(() => NodeIdentity.Load(KeyPath)).Message;
        Assert.Contains(KeyPath, message, StringComparison.Ordinal);
        return message;
    }

    private void WriteKey(byte[] bytes)
    {
        File.Delete(KeyPath);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(KeyPath, options);
        file.Write(bytes);
    }
}
