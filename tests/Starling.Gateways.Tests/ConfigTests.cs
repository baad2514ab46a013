using System.Security.Cryptography;
using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

public sealed class ConfigTests
{
    [Fact]
    public void A_file_of_the_field_is_read_whatever_its_case_marks_and_line_ends()
    {
        var config = GossipConfig.Parse("\uFEFFHostKey = \"/keys/host;key.pem\" ; the key\r\n\r\n# others share this file\r\n[RPS]\r\napi_address = nonsense\r\n[Gossip]\r\nCACHE_SIZE = 50\r\nDegree: 8 # neighbours\r\n  bootstrapper = 127.0.0.1:6001\r\nListen_Address = '[::1]:6002'\r\napi_address=127.0.0.1:7002\r\nMAX_TTL = 5\r\npeer_exchange = OFF", "gossip.ini");

        Assert.Equal((50, 8, 5, false, "/keys/host;key.pem"), (config.CacheSize, config.Degree, config.MaxTtl, config.PeerExchange, config.HostKey));
        Assert.Equal("127.0.0.1:7002", config.Api.ToString());
        Assert.Equal("/ip6/::1/tcp/6002", config.Listen!.ToString());
        Assert.Equal("/ip4/127.0.0.1/tcp/6001", Assert.Single(config.Bootstrappers).ToString());
        Assert.Empty(config.Remarks);
    }

    [Fact]
    public void What_is_not_given_has_its_default()
    {
        var config = GossipConfig.Parse("[gossip]\ncache_size = 30\n", "gossip.ini");

        Assert.Equal((30, null, null, 0, true, null), (config.CacheSize, config.Degree, config.MaxConnections, config.MaxTtl, config.PeerExchange, config.HostKey));
        Assert.Equal("127.0.0.1:7001", config.Api.ToString());
        Assert.Null(config.Listen);
        Assert.Empty(config.Bootstrappers);
    }

    [Theory]
    [InlineData("[GLOBAL]\nhostkey=/h.pem\n[gossip]\nmax_connections=9\np2p_address=127.0.0.1:6001\n")]
    [InlineData("[gossip]\nhostkey=/h.pem\nmax_connections=9\nP2P_ADDRESS=127.0.0.1:6001\nlisten_address=127.0.0.1:6001\n")]
    public void The_other_names_of_keys_and_places_are_read_too(string text)
    {
        var config = GossipConfig.Parse(text, "gossip.ini");

        Assert.Equal((9, 9, "/h.pem", "/ip4/127.0.0.1/tcp/6001"), (config.Degree, config.MaxConnections, config.HostKey, config.Listen!.ToString()));
    }

    [Theory]
    [InlineData("[gossip]\n\n\n\n\n\ndegree = many", "gossip.ini:7: degree is 'many'; use a whole number from 1 to 64")]
    [InlineData("[gossip]\ncache_size = 0", "gossip.ini:2: cache_size is '0'; use a whole number from 1 to 16384")]
    [InlineData("[gossip]\nMax_TTL = 256", "gossip.ini:2: Max_TTL is '256'; use a whole number from 0 to 255")]
    [InlineData("[gossip]\nmax_ttl = -1", "gossip.ini:2: max_ttl is '-1'; use a whole number from 0 to 255")]
    [InlineData("[gossip]\napi_address = 127.0.0.1:99999", "gossip.ini:2: api_address is '127.0.0.1:99999'; use an address such as 127.0.0.1:7001 or [::1]:7001")]
    [InlineData("[gossip]\napi_address =", "gossip.ini:2: api_address is ''; use an address such as 127.0.0.1:7001 or [::1]:7001")]
    [InlineData("[gossip]\nlisten_address = nowhere", "gossip.ini:2: listen_address is 'nowhere'; use an address such as 127.0.0.1:6001 or [::1]:6001")]
    [InlineData("[gossip]\np2p_address = 1.2.3.4:1, 1.2.3.4:2", "gossip.ini:2: p2p_address is '1.2.3.4:1, 1.2.3.4:2'; use an address such as 127.0.0.1:6001 or [::1]:6001")]
    [InlineData("[gossip]\nbootstrapper = x:y", "gossip.ini:2: bootstrapper is 'x:y'; use an address such as 127.0.0.1:6001 or [::1]:6001")]
    [InlineData("[gossip]\npeer_exchange = maybe", "gossip.ini:2: peer_exchange is 'maybe'; use on or off")]
    [InlineData("hostkey =\n[gossip]\ndegree = 1", "gossip.ini:1: hostkey is ''; write a value, or leave the key out")]
    [InlineData("[gossip\ndegree = 1", "gossip.ini:1: a section ends with ']', as in [gossip]")]
    [InlineData("[gossip]\ndegree", "gossip.ini:2: this is no key with a value; write it like 'degree = 30', or begin a comment with ';'")]
    [InlineData("[gossip]\nhostkey = \"open", "gossip.ini:2: the value begins with \" and does not end with it; add the other one")]
    [InlineData("[gossip]\nlisten_address = 127.0.0.1:1\np2p_address = 127.0.0.1:2", "gossip.ini:3: p2p_address is '127.0.0.1:2' and listen_address in line 2 is '127.0.0.1:1', which mean the same; keep one")]
    [InlineData("[rps]\ndegree = 1", "gossip.ini: there is nothing in a section [gossip]; add it, with keys such as api_address = 127.0.0.1:7001.")]
    public void A_wrong_value_is_named_with_its_line_and_what_to_write(string text, string message) =>
        Assert.Equal(message, Assert.Throws<StarlingException>(() => GossipConfig.Parse(text, "gossip.ini")).Message);

    [Fact]
    public void The_last_of_two_values_counts_and_that_is_said_as_are_keys_that_are_not_known()
    {
        var config = GossipConfig.Parse("[gossip]\ndegree = 3\ndegree = 3\n[GOSSIP]\nDegree = 4\nround_time = 5\n[other]\nround_time = 5", "gossip.ini");

        Assert.Equal(4, config.Degree);
        Assert.Equal(["gossip.ini:5: Degree was given in line 2 already; this one counts", "gossip.ini:6: the key 'round_time' is not known and does not count"], config.Remarks);
    }

    [Theory]
    [InlineData("localhost:7009", "127.0.0.1:7009"), InlineData("::1", "[::1]:7001"), InlineData("127.0.0.1", "127.0.0.1:7001"), InlineData("[::1]:0", "[::1]:0"), InlineData("0.0.0.0:7001", "0.0.0.0:7001")]
    public void Addresses_of_the_api_are_read_in_every_form(string text, string address) =>
        Assert.Equal(address, GossipConfig.Parse($"[gossip]\napi_address = {text}", "gossip.ini").Api.ToString());

    [Fact]
    public void The_configuration_reaches_the_options_of_node_and_api()
    {
        var config = GossipConfig.Parse("[gossip]\nlisten_address=127.0.0.1:6001\nbootstrapper=127.0.0.1:6001, 127.0.0.1:6002\nmax_connections=3\ncache_size=7\nmax_ttl=9\n", "gossip.ini");
        var (node, api) = (config.ToNodeOptions(), config.ToApiOptions());

        // One of the bootstrappers is this node itself.
        Assert.Equal(["/ip4/127.0.0.1/tcp/6002"], node.Bootstrap);
        Assert.Equal((3, 3, 3, true), (node.Links.Neighbours, node.Links.LowWater, node.Links.HighWater, node.PeerExchange.Enabled));
        Assert.Equal((7, 9, 3, true), (api.CacheSize, api.MaxTtl, api.Degree, api.PeerUpdates));

        var alone = GossipConfig.Parse("[gossip]\npeer_exchange = off\ndegree = 5", "gossip.ini");
        Assert.Equal((0, false, 0), (alone.ToNodeOptions().Links.Neighbours, alone.ToNodeOptions().PeerExchange.Enabled, alone.ToNodeOptions().Discovery.Providers.Count));
        Assert.False(alone.ToApiOptions().PeerUpdates);
    }

    [Fact]
    public void A_file_that_is_not_there_or_far_too_large_is_one_clear_error()
    {
        using var folder = new Folder();
        Assert.Contains("none.ini", Assert.Throws<StarlingException>(() => GossipConfig.Read(folder.File("none.ini"))).Message);
        var large = folder.Write("large.ini", new string(';', IniFile.MaxLength + 1));
        Assert.Contains("large.ini", Assert.Throws<StarlingException>(() => GossipConfig.Read(large)).Message);
        Assert.Equal(3, GossipConfig.Read(folder.Write("good.ini", "[gossip]\ndegree=3")).Degree);
    }

    [Theory]
    [InlineData("rsa", KeyType.Rsa), InlineData("rsa8", KeyType.Rsa), InlineData("ec", KeyType.Ecdsa), InlineData("ec8", KeyType.Ecdsa), InlineData("ed", KeyType.Ed25519)]
    public void A_host_key_in_PEM_becomes_the_nodes_identity(string kind, KeyType type)
    {
        using var folder = new Folder();
        using var rsa = RSA.Create(2048);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = kind switch
        {
            // A VoidPhone hostkey may hold the public key beside the private one.
            "rsa" => rsa.ExportSubjectPublicKeyInfoPem() + "\n" + rsa.ExportRSAPrivateKeyPem(),
            "rsa8" => rsa.ExportPkcs8PrivateKeyPem(),
            "ec" => curve.ExportECPrivateKeyPem(),
            "ec8" => curve.ExportPkcs8PrivateKeyPem(),

            // The private key of RFC 8410, section 10.3.
            _ => "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
        };

        using var identity = GossipHostKey.Load(folder.Write("host.pem", pem));
        using var again = GossipHostKey.Load(folder.Write("again.pem", pem));

        Assert.Equal(type, identity.PublicKey.Type);
        Assert.Equal(identity.PeerId, again.PeerId);
        Assert.True(identity.PublicKey.Verify([1, 2], identity.Sign([1, 2])));
        if (type == KeyType.Ed25519) Assert.EndsWith("19BF44096984CDFE8541BAC167DC3B96C85086AA30B6B6CB0C5C38AD703166E1", Convert.ToHexString(identity.PublicKey.Encoded.Span));
    }

    [Fact]
    public async Task A_node_with_an_RSA_host_key_gossips_with_others()
    {
        using var folder = new Folder();
        using var rsa = RSA.Create(2048);
        using var identity = GossipHostKey.Load(folder.Write("host.pem", rsa.ExportRSAPrivateKeyPem()));
        await using var line = await GossipLine.StartAsync(1);
        await using var node = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Identity = identity });
        await using var api = await GossipApi.StartAsync(node, new GossipApiOptions { Listen = new(System.Net.IPAddress.Loopback, 0) });
        using var client = await VoidPhoneClient.SubscribeAsync(line[0], 42);
        using var announcer = await VoidPhoneClient.ConnectAsync(api.Address);
        await announcer.SendAsync(VoidPhoneClient.Announce(0, 42, 1));

        await node.ConnectAsync(line.Nodes[0].Addresses[0]).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal([1], (await client.ReadAsync()).Data);
    }

    [Fact]
    public void A_host_key_that_cannot_be_used_says_what_to_do()
    {
        using var folder = new Folder();
        using var rsa = RSA.Create(2048);
        using var small = RSA.Create(1024);

        Assert.Contains("openssl genpkey", Fail(folder.File("none.pem")));
        Assert.Contains("directory", Fail(folder.File("")));
        Assert.Contains("but a PUBLIC KEY", Fail(folder.Write("public.pem", rsa.ExportSubjectPublicKeyInfoPem())));
        Assert.Contains("decrypt it: openssl pkey", Fail(folder.Write("locked.pem", rsa.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)))));
        Assert.Contains("1024 bits", Fail(folder.Write("small.pem", small.ExportRSAPrivateKeyPem())));
        Assert.Contains("damaged", Fail(folder.Write("damaged.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")));

        static string Fail(string path) => Assert.Throws<StarlingException>(() => GossipHostKey.Load(path)).Message;
    }

    /// <summary>A folder of a test's own.</summary>
    private sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-");

        public string File(string name) => Path.Combine(_folder.FullName, name);

        public string Write(string name, string text)
        {
            System.IO.File.WriteAllText(File(name), text);
            return File(name);
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
