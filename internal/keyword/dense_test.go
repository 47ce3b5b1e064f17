package keyword

import (
	"strings"
	"testing"
)

// TestRunsOfHan: characters that join others in one place are a part of a word
// in another.
func TestRunsOfHan(t *testing.T) {
	for text, want := range map[string]string{
		"日本語":         "日本語",
		"日本語の会議":      "日本語 会議",
		"2026年3月5日会議": "会議",
		"２０２６年３月":     "",
		"六月五日会議":      "会議",
		"今年度中国市場調査":   "年度 中国市場調査",
		"今日の予定":       "今日 予定",
		"月刊誌":         "月刊誌",
		"上海":          "上海",
		"集中":          "集中",
		"会議中":         "会議",
		"合同中的条款":      "合同 条款",
		"下記":          "下記",
		"毎日新聞社":       "毎日新聞社",
		"日本語版最終年度報告書": "日本語版最終 年度報告書",
		"株式会社日本機械製作所中央研究所": "株式会社 中央研究所",
		"平成二十年度":  "平成",
		"中国":      "中国",
		"重要事項説明書": "",
		"契約書、上記の条件、下半期、年間計画": "契約書 上記 条件 下半期 年間計画",
	} {
		var got []string
		pieces(text, func(piece string, k kind, at int) {
			if k != run || text[at:at+len(piece)] != piece {
				t.Errorf("%s: %q of kind %d at %d", text, piece, k, at)
			}
			if len(piece) > len("語") {
				got = append(got, piece)
			}
		})
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("%s: %q, want %q", text, joined, want)
		}
	}
}
