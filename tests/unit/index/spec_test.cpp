// Spec strings: read, written, read again.
#include <tonari/index/spec.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("spec: words and what they mean", "[index]") {
    const auto check = [](std::string_view text, IndexKind kind, std::size_t links, std::optional<Element> store,
                          std::string_view canonical) {
        CAPTURE(text);
        const Spec spec = parse_spec(text).value();
        CHECK(spec.kind == kind);
        CHECK(spec.links == links);
        CHECK(spec.store_as == store);
        CHECK(to_string(spec) == canonical);
        const Spec again = parse_spec(to_string(spec)).value();
        CHECK((again.kind == kind && again.links == links && again.store_as == store && again.codec == spec.codec));
        const std::string_view found_by = text.substr(0, text.find(",R"));
        CHECK((spec.codec == CodecKind::sq8) == found_by.ends_with("SQ8"));
        CHECK((again.parts == spec.parts && again.lists == spec.lists && again.fine == spec.fine));
    };
    check("Flat", IndexKind::flat, 0, {}, "Flat");
    check("FP16", IndexKind::flat, 0, Element::float16, "FP16");
    check("Flat,FP16", IndexKind::flat, 0, Element::float16, "FP16");
    check("SQfp16", IndexKind::flat, 0, Element::float16, "FP16");
    check("BF16", IndexKind::flat, 0, Element::bfloat16, "BF16");
    check("SQbf16", IndexKind::flat, 0, Element::bfloat16, "BF16");
    check("HNSW", IndexKind::hnsw, 32, {}, "HNSW32");
    check("HNSW2", IndexKind::hnsw, 2, {}, "HNSW2");
    check("HNSW256", IndexKind::hnsw, 256, {}, "HNSW256");
    check("HNSW16,Flat", IndexKind::hnsw, 16, {}, "HNSW16");
    check("HNSW16,FP16", IndexKind::hnsw, 16, Element::float16, "HNSW16,FP16");
    check("IVF100,Flat", IndexKind::ivf, 0, {}, "IVF100,Flat");
    check("IVF100,HNSW4", IndexKind::ivf_hnsw, 4, {}, "IVF100,HNSW4");
    check("IVF100,HNSW,Flat", IndexKind::ivf_hnsw, 32, {}, "IVF100,HNSW32");
    check("IVF100_HNSW,HNSW16,SQfp16", IndexKind::ivf_hnsw, 16, Element::float16, "IVF100_HNSW32,HNSW16,FP16");
    check("IVF100,HNSW16,SQ8", IndexKind::ivf_hnsw, 16, {}, "IVF100,HNSW16,SQ8");
    check("IVF1,SQfp16", IndexKind::ivf, 0, Element::float16, "IVF1,FP16");
    check("IVF16777216_HNSW,BF16", IndexKind::ivf, 0, Element::bfloat16, "IVF16777216_HNSW32,BF16");
    check("HNSW16,SQbf16", IndexKind::hnsw, 16, Element::bfloat16, "HNSW16,BF16");
    check("SQ8", IndexKind::flat, 0, {}, "SQ8");
    check("Flat,SQ8", IndexKind::flat, 0, {}, "SQ8");
    check("HNSW,SQ8", IndexKind::hnsw, 32, {}, "HNSW32,SQ8");
    check("IVF100,SQ8", IndexKind::ivf, 0, {}, "IVF100,SQ8");
    check("IVF2_SOAR,SQfp16", IndexKind::ivf, 0, Element::float16, "IVF2_SOAR,FP16");
    check("IVF65536_HNSW_SOAR,PQ8x4fs,RFlat", IndexKind::ivf, 0, {}, "IVF65536_HNSW32_SOAR,PQ8x4fs,RFlat");
    CHECK(parse_spec("RR,IVF8_SOAR,RaBitQ").value().soar);
    CHECK(parse_spec("IVF8_HNSW4_SOAR,Flat").value().coarse_links == 4);
    CHECK_FALSE(parse_spec("IVF8_HNSW4,Flat").value().soar);
    check("IVF65536_HNSW16,SQ8", IndexKind::ivf, 0, {}, "IVF65536_HNSW16,SQ8");
    check("Flat,SQ8,RFlat", IndexKind::flat, 0, {}, "SQ8,RFlat");
    check("HNSW,SQ8,R(Flat)", IndexKind::hnsw, 32, {}, "HNSW32,SQ8,RFlat");
    check("HNSW16,PQ8", IndexKind::hnsw, 16, {}, "HNSW16,PQ8");
    check("HNSW,PQ8x8,R(SQ8)", IndexKind::hnsw, 32, {}, "HNSW32,PQ8,R(SQ8)");
    check("IVF100_HNSW16,SQ8,Refine(SQfp16)", IndexKind::ivf, 0, {}, "IVF100_HNSW16,SQ8,R(FP16)");
    check("HNSW16,RaBitQ,RFlat", IndexKind::hnsw, 16, {}, "HNSW16,RaBitQ,RFlat");
    check("HNSW,RaBitQ1,Refine(SQfp16)", IndexKind::hnsw, 32, {}, "HNSW32,RaBitQ,R(FP16)");
    check("SQ4", IndexKind::flat, 0, {}, "SQ4");
    check("Flat,SQ4,R(Flat)", IndexKind::flat, 0, {}, "SQ4,RFlat");
    check("HNSW,SQ4", IndexKind::hnsw, 32, {}, "HNSW32,SQ4");
    check("HNSW16,SQ4,R(SQ8)", IndexKind::hnsw, 16, {}, "HNSW16,SQ4,R(SQ8)");
    check("IVF100_HNSW,SQ4,Refine(SQfp16)", IndexKind::ivf, 0, {}, "IVF100_HNSW32,SQ4,R(FP16)");
    check("RaBitQ", IndexKind::flat, 0, {}, "RaBitQ");
    check("RaBitQ1", IndexKind::flat, 0, {}, "RaBitQ");
    check("RaBitQ2", IndexKind::flat, 0, {}, "RaBitQ2");
    check("IVF8_HNSW,RaBitQ8,Refine(SQ8)", IndexKind::ivf, 0, {}, "IVF8_HNSW32,RaBitQ8,R(SQ8)");
    check("Flat,PQ16x4", IndexKind::flat, 0, {}, "PQ16x4fs");
    check("PQ16x4fs,RFlat", IndexKind::flat, 0, {}, "PQ16x4fs,RFlat");
    check("IVF100,RaBitQ,R(Flat)", IndexKind::ivf, 0, {}, "IVF100,RaBitQ,RFlat");
    check("IVF100_HNSW,PQ8x4fs,Refine(SQfp16)", IndexKind::ivf, 0, {}, "IVF100_HNSW32,PQ8x4fs,R(FP16)");
    check("PQ16", IndexKind::flat, 0, {}, "PQ16");
    check("Flat,PQ16x8", IndexKind::flat, 0, {}, "PQ16");
    check("PQ1x8,RFlat", IndexKind::flat, 0, {}, "PQ1,RFlat");
    check("IVF100_HNSW,PQ65536,R(BF16)", IndexKind::ivf, 0, {}, "IVF100_HNSW32,PQ65536,R(BF16)");
    check("IVF100,PQ8,Refine(SQ8)", IndexKind::ivf, 0, {}, "IVF100,PQ8,R(SQ8)");
    check("IVF100,RaBitQ,R(SQ8)", IndexKind::ivf, 0, {}, "IVF100,RaBitQ,R(SQ8)");
}

TEST_CASE("spec: bits of RaBitQ", "[index]") {
    for (const std::size_t bits : {2U, 5U, 8U}) {
        const Spec spec = parse_spec("IVF8,RaBitQ" + std::to_string(bits) + ",RFlat").value();
        CHECK(spec.codec == CodecKind::rabitq);
        CHECK(spec.bits == bits);
        CHECK(spec.parts == 0);
    }
    CHECK(parse_spec("RaBitQ1").value() == parse_spec("RaBitQ").value());
    CHECK(parse_spec("RaBitQ").value().bits == 0);
    CHECK(parse_spec("RaBitQ9").error().message.find("2 to 8 bits") != std::string::npos);
}

TEST_CASE("spec: transforms come first, before any spec", "[index]") {
    const auto check = [](std::string_view word, TransformKind kind, std::size_t out, std::size_t parts) {
        for (const std::string_view rest :
             {"Flat", "FP16", "HNSW16", "HNSW16,SQ8", "IVF8_HNSW4,RaBitQ,R(FP16)", "IVF100,PQ4x4fs,RFlat", "RaBitQ"}) {
            const std::string text = std::string(word) + "," + std::string(rest);
            CAPTURE(text);
            const Spec spec = parse_spec(text).value();
            CHECK(spec.transform == TransformSpec{kind, out, parts});
            CHECK(to_string(spec) == text);
            Spec without = spec;
            without.transform.reset();
            CHECK(to_string(without) == rest);
        }
    };
    check("RR", TransformKind::rotation, 0, 0);
    check("RR64", TransformKind::rotation, 64, 0);
    check("PCA1", TransformKind::pca, 1, 0);
    check("PCA65536", TransformKind::pca, 65536, 0);
    check("PCAR64", TransformKind::turned_pca, 64, 0);
    check("OPQ32", TransformKind::opq, 0, 32);
    check("OPQ32_64", TransformKind::opq, 64, 32);
    CHECK_FALSE(parse_spec("Flat")->transform);
    const auto refused = [](std::string_view text, std::initializer_list<std::string_view> words) {
        CAPTURE(text);
        const auto spec = parse_spec(text);
        REQUIRE_FALSE(spec.ok());
        INFO(spec.error().message);
        CHECK(spec.error().code == ErrorCode::invalid_argument);
        for (const std::string_view word : words) CHECK(spec.error().message.find(word) != std::string::npos);
    };
    for (const std::string_view word : {"PCA", "PCA0", "PCA65537", "PCAW64", "PCAR", "PCAR0", "OPQ", "OPQ0", "OPQ4_",
                                        "OPQ4_x", "OPQ_64", "RR0", "RRx", "rr", "pca64"}) {
        const std::string text = std::string(word) + ",Flat";
        refused(text, {"PCA<dims>", "OPQ<parts>_<dims>", "RR", std::string("got '") + std::string(word) + "'"});
    }
    refused("PCA64", {"'PCA64,Flat'", "got nothing behind 'PCA64'"});
    refused("OPQ5_64,Flat", {"divide", "got 'OPQ5_64'"});
    refused("PCA64,", {"spec 'PCA64,'", "HNSW<M>", "got ''"});
    refused("PCA64,RR,Flat", {"spec 'PCA64,RR,Flat'", "HNSW<M>", "got 'RR'"});
    refused("Flat,PCA64", {"got 'PCA64'"});
    refused("RR,HNSW16,RaBitQ", {"spec 'RR,HNSW16,RaBitQ'", "RFlat, R(FP16) or R(BF16) behind 'RaBitQ'", "got ''"});
    refused("HNSW24,RaBitQ,RFlat", {"M a multiple of 16", "got 'HNSW24'"});
    refused("HNSW16,RaBitQ,R(SQ8)", {"RFlat, R(FP16) or R(BF16)", "got 'R(SQ8)'"});
    refused("HNSW16,RaBitQ4,RFlat", {"a graph compares rows one by one", "got 'RaBitQ4'"});
}

TEST_CASE("spec: what is none", "[index]") {
    for (const std::string_view text : {"",
                                        ",",
                                        "Flat,",
                                        ",Flat",
                                        "flat",
                                        "HNSW0",
                                        "HNSW1",
                                        "HNSW257",
                                        "HNSW1e2",
                                        "HNSW+4",
                                        "HNSW 4",
                                        "HNSW16;FP16",
                                        "FP16,BF16",
                                        "FP16,Flat",
                                        "HNSW16,HNSW16",
                                        "HNSW16,FP16,FP16",
                                        "IVF100,",
                                        "IVF100,HNSW1",
                                        "IVF100,HNSW257",
                                        "IVF100,HNSW4,",
                                        "IVF100,HNSW4,HNSW4",
                                        "IVF100,HNSW4,RaBitQ",
                                        "IVF100,HNSW4,PQ8",
                                        "IVF100,HNSW4,SQ8,RFlat",
                                        "IVF100,HNSW4_HNSW4",
                                        "IVF100,Flat,HNSW4",
                                        "IVF0,Flat",
                                        "IVF16777217,Flat",
                                        "IVF8_,Flat",
                                        "IVF1_SOAR,Flat",
                                        "IVF_SOAR,Flat",
                                        "IVF8SOAR,Flat",
                                        "IVF8_soar,Flat",
                                        "IVF8_SOAR_SOAR,Flat",
                                        "IVF8_SOAR_HNSW4,Flat",
                                        "IVF8_SOAR,HNSW4",
                                        "HNSW4_SOAR",
                                        "Flat_SOAR",
                                        "IVF8_HNSW1,Flat",
                                        "IVF8_FP16,Flat",
                                        "PQ",
                                        "PQ0",
                                        "PQ65537",
                                        "PQ8x",
                                        "PQ8x6",
                                        "PQ8x8fs",
                                        "PQx4fs",
                                        "PQ0x4fs",
                                        "PQ65537x4fs",
                                        "PQ8x4fsfs",
                                        "rabitq",
                                        "RaBitQ0",
                                        "RaBitQ9",
                                        "RaBitQ16",
                                        "RaBitQ4fs",
                                        "RaBitQ-4",
                                        "HNSW16,RaBitQ",
                                        "HNSW16,RaBitQ,Flat",
                                        "HNSW16,RaBitQ,R(SQ8)",
                                        "HNSW16,RaBitQ,R(RaBitQ4)",
                                        "HNSW24,RaBitQ,RFlat",
                                        "HNSW16,RaBitQ,RFlat,RFlat",
                                        "IVF8,HNSW16,RaBitQ,RFlat",
                                        "IVF8,RaBitQ,R(PQ8)",
                                        "IVF8,PQ8,RFlat,RFlat",
                                        "HNSW16,RaBitQ4",
                                        "HNSW16,PQ8x4fs",
                                        "IVF8,Flat,RFlat",
                                        "IVF8,RaBitQ,",
                                        "IVF8,RaBitQ,R",
                                        "IVF8,RaBitQ,R(",
                                        "IVF8,RaBitQ,R()",
                                        "IVF8,RaBitQ,R(RaBitQ)",
                                        "IVF8,RaBitQ,R(RaBitQ8)",
                                        "IVF8,RaBitQ,RFlat,RFlat",
                                        "IVF8,RaBitQ,Flat",
                                        "RFlat",
                                        "SQ8,Flat",
                                        "SQ8,FP16",
                                        "FP16,SQ8",
                                        "HNSW16,SQ8,SQ8",
                                        "HNSW16,SQ8,R(SQ8)",
                                        "HNSW16,RFlat",
                                        "HNSW16,FP16,RFlat",
                                        "SQ4,SQ4",
                                        "SQ4,R(SQ4)",
                                        "SQ8,R(SQ4)",
                                        "SQ4fs",
                                        "sq4",
                                        "IVF100,HNSW4,SQ4",
                                        "HNSW16,SQ2",
                                        "IVF100,sq8",
                                        "IVF8_SQ8,Flat",
                                        "Flat\n"}) {
        CAPTURE(text);
        const auto spec = parse_spec(text);
        REQUIRE_FALSE(spec.ok());
        CHECK(spec.error().code == ErrorCode::invalid_argument);
        CHECK(spec.error().message.find("expected") != std::string::npos);
        CHECK(spec.error().message.find("got '") != std::string::npos);
    }
}
