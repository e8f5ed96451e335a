using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>Tool definitions to and from the wire.</summary>
internal static class ToolDescriptors
{
    public static ToolDescriptor ToWire(ToolDefinition definition) => new()
    {
        Name = definition.Name,
        Description = definition.Description,
        Capabilities = { definition.Capabilities },
        InputSchema = definition.InputSchema,
        PriceMicro = definition.Price.MicroUnits,
        Currency = definition.Price.Currency.Code,
        PerTokens = (uint)definition.PerTokens,
    };

    /// <summary>Null when the descriptor breaks a rule. The schema is not compiled here: that happens when it is used.</summary>
    public static ToolDefinition? FromWire(ToolDescriptor wire)
    {
        var valid = ToolRules.IsName(wire.Name)
            && wire.Description.Length <= ToolRules.MaxDescription
            && wire.Capabilities.Count <= ToolRules.MaxCapabilities
            && wire.Capabilities.All(ToolRules.IsCapability)
            && wire.InputSchema.Length <= Schemas.JsonSchema.MaxBytes
            && wire.PriceMicro <= Amount.MaxMicroUnits
            && wire.PerTokens <= ToolDefinition.MaxPerTokens;
        return valid && Currency.TryParse(wire.Currency, out var currency)
            ? new ToolDefinition(wire.Name, wire.Description, [.. wire.Capabilities], wire.InputSchema, new Amount(wire.PriceMicro, currency.Value), (int)wire.PerTokens)
            : null;
    }
}
