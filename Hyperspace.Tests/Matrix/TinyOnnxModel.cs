using Google.Protobuf;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Tests.Matrix;

/// <summary>
/// A folder with a model that looks the rows of a table up, one per word of its vocabulary: [texts, tokens] → [texts, tokens, places], or
/// with <c>perText</c> their plain mean → [texts, places]. The fields' numbers are those of onnx.proto.
/// </summary>
internal sealed class TinyOnnxModel : IDisposable
{
    private const int Float = 1;
    private const int Int64 = 7;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hyperspace-onnx-");

    public TinyOnnxModel(IReadOnlyList<(string Word, float[] Row)> table, bool perText = false, string[]? inputs = null)
    {
        File.WriteAllLines(Model.PathOf(OnnxModel.VocabularyFile), table.Select(t => t.Word));
        File.WriteAllBytes(Model.PathOf(OnnxModel.ModelFile), ModelProto(table, perText, inputs ?? ["input_ids", "attention_mask"]));
    }

    public OnnxModel Model => new(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);

    private static byte[] ModelProto(IReadOnlyList<(string Word, float[] Row)> table, bool perText, string[] inputs) => Message(model =>
    {
        Number(model, 1, 8);
        Nested(model, 7, graph =>
        {
            Nested(graph, 1, gather =>
            {
                Text(gather, 1, "table");
                Text(gather, 1, "input_ids");
                Text(gather, 2, "tokens");
                Text(gather, 4, "Gather");
            });
            if (perText)
            {
                Nested(graph, 1, mean =>
                {
                    Text(mean, 1, "tokens");
                    Text(mean, 2, "text");
                    Text(mean, 4, "ReduceMean");
                    Nested(mean, 5, axes =>
                    {
                        Text(axes, 1, "axes");
                        Number(axes, 8, 1);
                        Number(axes, 20, 7);
                    });
                    Nested(mean, 5, keep =>
                    {
                        Text(keep, 1, "keepdims");
                        Number(keep, 3, 0);
                        Number(keep, 20, 2);
                    });
                });
            }

            Text(graph, 2, "tiny");
            Nested(graph, 5, initializer =>
            {
                Number(initializer, 1, table.Count);
                Number(initializer, 1, table[0].Row.Length);
                Number(initializer, 2, Float);
                Text(initializer, 8, "table");
                initializer.WriteTag(9, WireFormat.WireType.LengthDelimited);
                initializer.WriteBytes(ByteString.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(table.SelectMany(t => t.Row).ToArray())));
            });
            foreach (var input in inputs)
            {
                Value(graph, 11, input, Int64, "texts", "tokens");
            }

            Value(graph, 12, perText ? "text" : "tokens", Float, perText ? ["texts", "places"] : ["texts", "tokens", "places"]);
        });
        Nested(model, 8, opset => Number(opset, 2, 13));
    });

    private static void Value(CodedOutputStream graph, int field, string name, int type, params string[] shape) => Nested(graph, field, value =>
    {
        Text(value, 1, name);
        Nested(value, 2, kind => Nested(kind, 1, tensor =>
        {
            Number(tensor, 1, type);
            Nested(tensor, 2, dimensions =>
            {
                foreach (var dimension in shape)
                {
                    Nested(dimensions, 1, d => Text(d, 2, dimension));
                }
            });
        }));
    });

    private static void Number(CodedOutputStream to, int field, long value)
    {
        to.WriteTag(field, WireFormat.WireType.Varint);
        to.WriteInt64(value);
    }

    private static void Text(CodedOutputStream to, int field, string value)
    {
        to.WriteTag(field, WireFormat.WireType.LengthDelimited);
        to.WriteString(value);
    }

    private static void Nested(CodedOutputStream to, int field, Action<CodedOutputStream> write)
    {
        to.WriteTag(field, WireFormat.WireType.LengthDelimited);
        to.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var to = new CodedOutputStream(bytes, leaveOpen: true))
        {
            write(to);
        }

        return bytes.ToArray();
    }
}
