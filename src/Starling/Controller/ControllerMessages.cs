using System.Text.Json.Serialization;

namespace Starling;

/// <summary>A node as its controller knows it.</summary>
/// <param name="Peer">The node's peer id.</param>
/// <param name="Name">Its display name, or null.</param>
/// <param name="Addresses">Where it may be reached, as it says.</param>
/// <param name="Status">What it reported last, or null.</param>
/// <param name="SecondsSilent">Seconds since it was last heard.</param>
public sealed record ControllerNode(string Peer, string? Name, IReadOnlyList<string> Addresses, ControllerStatus? Status = null, double SecondsSilent = 0);

/// <summary>What a node reports to its controller.</summary>
/// <param name="State">One word or so, such as <c>training</c>; at most 64 characters.</param>
/// <param name="Round">The application's round, or null.</param>
/// <param name="Detail">A sentence for people, or null; at most 1,024 characters.</param>
public sealed record ControllerStatus(string State, long? Round = null, string? Detail = null);

/// <summary>How far a controller's start barrier is.</summary>
/// <param name="Started">Whether the nodes may start.</param>
/// <param name="Registered">Nodes that are registered.</param>
/// <param name="Expected">Nodes that the start waits for.</param>
/// <param name="Nodes">All of them, once started or when asked for the list; empty otherwise.</param>
public sealed record ControllerState(bool Started, int Registered, int Expected, IReadOnlyList<ControllerNode> Nodes);

/// <summary>What a node says when it registers.</summary>
/// <param name="Name">Its display name, or null; at most 64 characters.</param>
/// <param name="Addresses">Where it may be reached; at most 64, each at most 512 characters.</param>
public sealed record ControllerRegistration(string? Name, IReadOnlyList<string> Addresses);

/// <summary>Why a controller refused.</summary>
/// <param name="Error">A sentence for people.</param>
public sealed record ControllerError(string Error);

/// <summary>The controller's messages as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, PropertyNameCaseInsensitive = true, MaxDepth = 8)]
[JsonSerializable(typeof(ControllerNode))]
[JsonSerializable(typeof(ControllerStatus))]
[JsonSerializable(typeof(ControllerState))]
[JsonSerializable(typeof(ControllerRegistration))]
[JsonSerializable(typeof(ControllerError))]
public sealed partial class ControllerJson : JsonSerializerContext;
