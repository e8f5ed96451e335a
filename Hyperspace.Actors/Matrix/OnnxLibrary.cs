using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// The native library of ONNX Runtime. It is not part of Hyperspace, for it is large and differs by machine: the user installs it where
/// the system's loader finds it, or names it in <see cref="Variable"/>.
/// </summary>
internal static class OnnxLibrary
{
    /// <summary>The environment variable with the library's path.</summary>
    public const string Variable = "HYPERSPACE_ONNXRUNTIME";

    private const string Name = "onnxruntime";

    private static readonly Lazy<(nint Handle, string Missing)> Loaded = new(Load);

    /// <summary>Whether it is there; if not, what to do. It is looked for once in a process.</summary>
    public static bool IsThere(out string missing)
    {
        missing = Loaded.Value.Missing;
        return missing.Length == 0;
    }

    /// <summary>Loads it from a path, or from where the system's loader looks when that is null; 0 with what to do when that fails.</summary>
    internal static nint Find(string? path, out string missing)
    {
        var found = path is null
            ? NativeLibrary.TryLoad(Name, typeof(InferenceSession).Assembly, null, out var handle)
            : NativeLibrary.TryLoad(path, out handle);
        if (found && !NativeLibrary.TryGetExport(handle, "OrtGetApiBase", out _))
        {
            NativeLibrary.Free(handle);
            (found, handle) = (false, 0);
        }

        missing = found
            ? ""
            : path is null
                ? $"ONNX Runtime's library is not installed; install it where the system finds it, or set {Variable} to the path of its file (libonnxruntime.so, libonnxruntime.dylib or onnxruntime.dll), and start again."
                : $"{Variable} names no file that loads as ONNX Runtime's library; set it to the path of libonnxruntime.so, libonnxruntime.dylib or onnxruntime.dll for this machine, and start again.";
        return handle;
    }

    private static (nint Handle, string Missing) Load()
    {
        var handle = Find(Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? path : null, out var missing);
        if (handle == 0)
        {
            return (0, missing);
        }

        OrtEnv.DisableDllImportResolver = true;
        NativeLibrary.SetDllImportResolver(typeof(InferenceSession).Assembly, (name, _, _) => Path.GetFileNameWithoutExtension(name) == Name ? handle : 0);
        try
        {
            OrtEnv.Instance();
            return (handle, "");
        }
        catch (Exception e) when (e is TypeInitializationException or EntryPointNotFoundException or OnnxRuntimeException or NullReferenceException or ArgumentNullException)
        {
            // Asked for an interface that it does not know yet, an old library gives null.
            return (handle, $"ONNX Runtime's library is too old; install version {typeof(InferenceSession).Assembly.GetName().Version?.ToString(2)} or a newer one, name its path in {Variable}, and start again.");
        }
    }
}
